/* SPDX-License-Identifier: ISC */
/* jwks_fetch.c: one GET with libcurl, and all that it does by default and we do not want. */
#include <config.h>

#include "jwks_fetch.h"

#include <curl/curl.h>
#include <stdbool.h>

#include "jwks.h"
#include "log.h"

#define CONNECT_MS 1500

/* As curl wants it: anything but the size ends the transfer. */
static size_t take(char *data, size_t one, size_t size, void *document)
{
    struct buf *buf = document;

    (void)one; /* 1 */
    if (buf->length + size > JWKS_DOCUMENT_MAX)
        return 0;
    buf_add(buf, data, size);
    return size;
}

static bool set_up(CURL *curl, const char *url, struct buf *document)
{
    static const char agent[] = PACKAGE_NAME "/" PACKAGE_VERSION;

    /* Plain http is for this machine alone, so that no proxy has any business with it. */
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROXY, url[4] == 's' ? "" : "*") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)JWKS_FETCH_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)JWKS_DOCUMENT_MAX) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, agent) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, document) == CURLE_OK;
}

static const char *perform(CURL *curl)
{
    CURLcode code = curl_easy_perform(curl);
    long status = 0;

    if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED)
        return "the answer is larger than 1 MiB";
    if (code != CURLE_OK)
        return curl_easy_strerror(code);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return NULL;
    log_info("the server of the key set answered with status %ld", status);
    return "the answer is no 200";
}

const char *jwks_fetch(const char *url, struct buf *document)
{
    CURL *curl = curl_easy_init();
    const char *fault = "libcurl cannot be set up";

    if (curl && set_up(curl, url, document))
        fault = perform(curl);
    curl_easy_cleanup(curl);
    return fault;
}
