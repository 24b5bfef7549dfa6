/* SPDX-License-Identifier: ISC */
/* clock.h: the clock that deadlines and pauses are measured by, which never jumps, and the one that
 * tokens are judged by. */
#ifndef TODO_CLOCK_H
#define TODO_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t clock_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Seconds since 1970 (RFC 7519's NumericDate), whole. Not time(2): Linux reads that one off the
 * last tick, so that for up to 10 ms a token issued in this second would come from the next. */
static inline time_t clock_unix_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

static inline struct timespec clock_span(int64_t milliseconds)
{
    return (struct timespec){.tv_sec = (time_t)(milliseconds / 1000),
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000};
}

#endif
