/* SPDX-License-Identifier: ISC */
/* conf_url.h: the two kinds of URL that settings hold: where the database is (see also conf.h), and
 * the origins of browser clients. For conf.c. */
#ifndef TODO_CONF_URL_H
#define TODO_CONF_URL_H

/* The password in a database URL or keyword string as it is written there, new; NULL if none. */
char *conf_url_password(const char *url);

/* NULL when `origin` may stand in TODO_CORS_ORIGINS: scheme://host[:port], with '*' only as a whole
 * label of the host and not as its last one, and without the scheme's own port, which no Origin has
 * (RFC 6454 6.2). Else what it must be (static). */
const char *conf_url_origin_fault(const char *origin);

/* NULL when `place` may be TODO_JWKS. Else what it must be (static). */
const char *conf_url_jwks_fault(const char *place);

#endif
