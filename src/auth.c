/* SPDX-License-Identifier: ISC */
/* Finds the bearer token in the Authorization header and has it judged. What is no bearer token at
 * all (no header, another scheme, nothing behind "Bearer") is told apart from a bad one: only the
 * latter sets the problem's token_error. */
#include <config.h>

#include "auth.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "log.h"

/* What stands behind "Bearer" and its spaces; TEXT_NULL when that is nothing, or the scheme is
 * another. No value ends in a space. */
static struct text bearer_token(const char *value)
{
    static const char scheme[] = "Bearer ";

    if (value == NULL || strncasecmp(value, scheme, strlen(scheme)) != 0)
        return TEXT_NULL;
    value += strlen(scheme);
    return text_of(value + strspn(value, " "));
}

/* A second Authorization header arrives joined to the first one by a comma. */
static bool is_single(struct text token)
{
    return strcspn(token.data, " \t,") == token.length;
}

static enum err refuse(struct problem *problem, enum token_fault fault, const char *reason)
{
    problem->token_error = token_fault_text(fault);
    log_info("token refused: %s: %s", problem->token_error, reason);
    return ERR_UNAUTHORIZED;
}

enum err auth_check(const struct conf *conf, struct keys *keys, const struct request *request,
                    struct principal *principal, struct problem *problem)
{
    struct text token = bearer_token(request_header(request, HEADER_AUTHORIZATION));
    const char *reason = NULL;
    enum token_fault fault;

    if (token.data == NULL) {
        log_info("no bearer token was sent");
        return ERR_UNAUTHORIZED;
    }
    if (!is_single(token))
        return refuse(problem, TOKEN_MALFORMED, "something behind the token");
    fault = token_verify(conf, keys, request->arena, token, time(NULL), principal, &reason);
    if (fault == TOKEN_UNAVAILABLE) {
        log_warning("no token of a key set can be judged: %s", reason);
        return ERR_UNAVAILABLE;
    }
    if (fault != TOKEN_OK)
        return refuse(problem, fault, reason);
    return ERR_NONE;
}
