/* SPDX-License-Identifier: ISC */
/* account.c: the rules of an account's fields, for clients and administrators alike. */
#include <config.h>

#include "account.h"

#include <string.h>

#include "password.h"

#define WORD(number) WORD_OF(number)
#define WORD_OF(number) #number

/* One '@' with something on both sides, and nothing that a header or a log could trip over. What
 * else is an address only its server knows. */
const char *account_email_fault(struct text email)
{
    const char *at = email.data ? memchr(email.data, '@', email.length) : NULL;
    const char *end = email.data + email.length;

    if (email.length > ACCOUNT_EMAIL_MAX)
        return "must be at most " WORD(ACCOUNT_EMAIL_MAX) " bytes";
    if (!at || at == email.data || at + 1 == end || memchr(at + 1, '@', (size_t)(end - at - 1)) ||
        memchr(email.data, ' ', email.length) || text_has_control(email))
        return "must be an e-mail address";
    return NULL;
}

const char *account_name_fault(struct text name)
{
    if (name.length > ACCOUNT_NAME_MAX || (name.data && text_has_control(name)))
        return "must be at most " WORD(ACCOUNT_NAME_MAX) " bytes without control characters";
    return NULL;
}

const char *account_password_fault(struct text password)
{
    if (password.length > PASSWORD_BYTES_MAX)
        return "must be at most " WORD(PASSWORD_BYTES_MAX) " bytes";
    return NULL;
}

const char *account_new_password_fault(struct text password)
{
    if (text_code_points(password) < PASSWORD_CHARACTERS_MIN)
        return "must be at least " WORD(PASSWORD_CHARACTERS_MIN) " characters";
    return account_password_fault(password);
}
