/* SPDX-License-Identifier: ISC */
/* record.c: jansson's constructors for values that cannot be wrong, so that only memory can lack.
 */
#include <config.h>

#include "log.h"
#include "record.h"

static json_t *made(json_t *value)
{
    if (!value)
        log_out_of_memory();
    return value;
}

json_t *record_string(struct text t)
{
    return made(json_stringn_nocheck(t.length ? t.data : "", t.length));
}

json_t *record_array(void)
{
    return made(json_array());
}

json_t *record_object(void)
{
    return made(json_object());
}

void record_set(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new_nocheck(object, name, value) != 0)
        log_out_of_memory();
}

void record_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        log_out_of_memory();
}
