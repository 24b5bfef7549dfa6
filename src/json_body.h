/* SPDX-License-Identifier: ISC */
/* json_body.h: from the bytes of a body to a JSON object (RFC 8259) that is safe to walk. */
#ifndef TODO_JSON_BODY_H
#define TODO_JSON_BODY_H

#include <jansson.h>

#include "err.h"
#include "problem.h"
#include "text.h"

#define JSON_DEPTH_MAX 16 /* levels of arrays and objects */

/* Parses `body` into a new reference in *json (the caller's to json_decref; NULL on failure).
 * ERR_BAD_REQUEST, naming the byte (from 0): not JSON, not UTF-8, deeper than JSON_DEPTH_MAX,
 * duplicate names, empty. ERR_INVALID: U+0000 in a string or a name (with its pointer), a number
 * out of range, or not an object at the top. */
enum err json_body_parse(struct text body, struct problem *problem, json_t **json) CHECK_RESULT;

/* The same for a value of any type. */
enum err json_body_parse_any(struct text body, struct problem *problem, json_t **json) CHECK_RESULT;

#endif
