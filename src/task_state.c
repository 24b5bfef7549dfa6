/* SPDX-License-Identifier: ISC */
/* task_state.c: the one reader and the one writer of a state's spelling. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "task_state.h"

bool task_state_read(struct text text, struct task_state *state)
{
    const char *dot = memchr(text.data, '.', text.length);
    char hex[17] = "";

    if (!dot || dot == text.data || dot - text.data >= (ptrdiff_t)sizeof hex)
        return false;
    memcpy(hex, text.data, (size_t)(dot - text.data));
    if (strspn(hex, "0123456789abcdef") != strlen(hex))
        return false;
    state->epoch = (int64_t)strtoull(hex, NULL, 16);
    return text_to_int((struct text){dot + 1, text.length - (size_t)(dot + 1 - text.data)}, 0,
                       INT64_MAX, &state->change_seq);
}

static bool read_tag(struct text tag, struct text shape, struct task_state *state)
{
    struct text head = {tag.data, tag.length - shape.length};

    return tag.length > shape.length &&
           memcmp(tag.data + head.length, shape.data, shape.length) == 0 &&
           task_state_read(head, state);
}

const struct task_state *task_state_seen(const struct etag_condition *condition, struct text shape,
                                         struct task_state *seen)
{
    bool found = false;

    for (size_t i = 0; i < condition->count; i++) {
        struct task_state state;

        if (read_tag(condition->tags[i], shape, &state) &&
            (!found || state.change_seq > seen->change_seq)) {
            *seen = state;
            found = true;
        }
    }
    return found ? seen : NULL;
}

bool task_state_is_known(const struct etag_condition *condition, const struct task_state *seen,
                         const struct task_state *state)
{
    return condition->any ||
           (seen && seen->epoch == state->epoch && seen->change_seq == state->change_seq);
}

static char *put_hex(char *out, uint64_t value)
{
    int shift = 60;

    while (shift > 0 && value >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *out++ = "0123456789abcdef"[value >> shift & 15];
    return out;
}

char *task_state_put(char *out, const struct task_state *state)
{
    out = put_hex(out, (uint64_t)state->epoch);
    *out++ = '.';
    return buf_put_int(out, state->change_seq);
}

void task_state_tag(struct response *response, const struct task_state *state, struct text shape)
{
    char tag[TASK_STATE_ROOM + CURSOR_SHAPE_LENGTH + 2] = "\"";
    char *end = task_state_put(tag + 1, state);

    end = mempcpy(end, shape.data, CURSOR_SHAPE_LENGTH);
    *end++ = '"';
    response_header_text(response, "ETag", (struct text){tag, (size_t)(end - tag)});
}
