/* SPDX-License-Identifier: ISC */
/* cursor.c: base64url of: the sort; flags; for a place at a row its id, number and text; the seal.
 * Another layout needs another LABEL, so that a cursor from before an update is refused. */
#include <config.h>

#define OPENSSL_API_COMPAT 0x10101000L /* HMAC_CTX: in 1.1.1 too, and a third of EVP's cost */

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "cursor.h"
#include "log.h"

#define LABEL "todo-fcgi cursor 1"
#define SHAPE "todo-fcgi shape " PACKAGE_VERSION " "
#define HEAD_SIZE 2 /* sort, flags */
#define ROW_SIZE 16 /* id, number */
#define SEAL_SIZE 16
#define DIGEST_SIZE 32

enum flag { FLAG_DESCENDING = 1, FLAG_BACKWARD = 2, FLAG_AT_ROW = 4, FLAGS = 8 };

struct cursor_seal {
    HMAC_CTX *keyed; /* the key is taken in already */
    char shape[CURSOR_SHAPE_LENGTH + 1];
};

/* No user has a zero byte, so that the two parts cannot be shifted against each other. */
static void compute_seal(const struct cursor_seal *seal, struct text user, const char *bytes,
                         size_t length, unsigned char *out)
{
    static const unsigned char zero;

    if (!HMAC_Init_ex(seal->keyed, NULL, 0, NULL, NULL) ||
        !HMAC_Update(seal->keyed, (const unsigned char *)user.data, user.length) ||
        !HMAC_Update(seal->keyed, &zero, sizeof zero) ||
        !HMAC_Update(seal->keyed, (const unsigned char *)bytes, length) ||
        !HMAC_Final(seal->keyed, out, NULL))
        log_out_of_memory();
}

/* Sealed for nobody, so that it is no cursor's. */
static void set_shape(struct cursor_seal *seal, unsigned compat)
{
    char bytes[sizeof(SHAPE "ffffffff")];
    int length = snprintf(bytes, sizeof bytes, SHAPE "%x", compat);
    unsigned char digest[DIGEST_SIZE];

    compute_seal(seal, TEXT_LITERAL(""), bytes, (size_t)length, digest);
    snprintf(seal->shape, sizeof seal->shape, "-%02x%02x%02x%02x", digest[0], digest[1], digest[2],
             digest[3]);
}

/* The key is made of the secret for this purpose alone, so that a cursor can never pass as a token.
 */
struct cursor_seal *cursor_seal_new(const struct conf *conf)
{
    struct text secret = conf->secret ? (struct text){conf->secret, conf->secret_length}
                                      : text_of(conf->database_url);
    struct cursor_seal *seal = malloc(sizeof *seal);
    unsigned char key[DIGEST_SIZE];

    if (!seal || !(seal->keyed = HMAC_CTX_new()) ||
        !HMAC(EVP_sha256(), secret.data, (int)secret.length, (const unsigned char *)LABEL,
              strlen(LABEL), key, NULL) ||
        !HMAC_Init_ex(seal->keyed, key, sizeof key, EVP_sha256(), NULL))
        log_out_of_memory();
    OPENSSL_cleanse(key, sizeof key);
    set_shape(seal, conf->compat);
    return seal;
}

void cursor_seal_free(struct cursor_seal *seal)
{
    HMAC_CTX_free(seal->keyed);
    free(seal);
}

struct text cursor_seal_shape(const struct cursor_seal *seal)
{
    return (struct text){seal->shape, CURSOR_SHAPE_LENGTH};
}

static void put_number(char *out, int64_t value)
{
    uint64_t word = htobe64((uint64_t)value);

    memcpy(out, &word, sizeof word);
}

static int64_t get_number(const char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return (int64_t)be64toh(word);
}

const char *cursor_write(const struct cursor_seal *seal, struct arena *arena, struct text user,
                         const struct task_place *place)
{
    size_t length = HEAD_SIZE + (place->at_row ? ROW_SIZE + place->text.length : 0);
    char *bytes = arena_alloc(arena, length + DIGEST_SIZE);
    char *row = bytes + HEAD_SIZE;

    bytes[0] = (char)place->sort;
    bytes[1] = (char)(place->descending * FLAG_DESCENDING | place->backward * FLAG_BACKWARD |
                      place->at_row * FLAG_AT_ROW);
    if (place->at_row) {
        put_number(row, place->id);
        put_number(row + sizeof(int64_t), place->number);
        if (place->text.length > 0)
            memcpy(row + ROW_SIZE, place->text.data, place->text.length);
    }
    compute_seal(seal, user, bytes, length, (unsigned char *)bytes + length);
    return base64url_encode(arena, bytes, length + SEAL_SIZE);
}

static bool is_sealed(const struct cursor_seal *seal, struct text user, struct text bytes)
{
    unsigned char expected[DIGEST_SIZE];
    size_t length = bytes.length - SEAL_SIZE;

    compute_seal(seal, user, bytes.data, length, expected);
    return CRYPTO_memcmp(expected, bytes.data + length, SEAL_SIZE) == 0;
}

/* Sealed bytes are as cursor_write left them; that they fit is asked all the same. */
static bool parse(struct text bytes, struct task_place *place)
{
    unsigned sort = (unsigned char)bytes.data[0], flags = (unsigned char)bytes.data[1];
    bool at_row = flags & FLAG_AT_ROW;
    const char *row = bytes.data + HEAD_SIZE;

    if (sort >= TASK_SORT_COUNT || flags >= FLAGS ||
        (at_row ? bytes.length < HEAD_SIZE + ROW_SIZE : bytes.length != HEAD_SIZE))
        return false;
    *place = (struct task_place){.sort = (enum task_sort)sort,
                                 .descending = flags & FLAG_DESCENDING,
                                 .backward = flags & FLAG_BACKWARD,
                                 .at_row = at_row};
    if (at_row) {
        place->id = get_number(row);
        place->number = get_number(row + sizeof(int64_t));
        place->text = (struct text){row + ROW_SIZE, bytes.length - HEAD_SIZE - ROW_SIZE};
    }
    return true;
}

bool cursor_read(const struct cursor_seal *seal, struct arena *arena, struct text user,
                 struct text cursor, struct task_place *place)
{
    struct text bytes;

    if (!base64url_decode(arena, cursor, &bytes) || bytes.length < HEAD_SIZE + SEAL_SIZE ||
        !is_sealed(seal, user, bytes))
        return false;
    bytes.length -= SEAL_SIZE;
    return parse(bytes, place);
}
