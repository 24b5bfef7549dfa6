/* SPDX-License-Identifier: ISC */
/* migrations.c: lists, reads and checksums the files of schema/. */
#include <config.h>

#include "migrations.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "log.h"

#define NUMBER_DIGITS 4

/* NNNN_name.sql, the name in small letters, digits and underscores. */
static int is_migration(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t digits = strspn(name, "0123456789");
    size_t word = strspn(name + digits, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return digits == NUMBER_DIGITS && name[digits] == '_' && word > 1 &&
           strcmp(name + digits + word, ".sql") == 0;
}

static int number_of(const char *file)
{
    int number = 0;

    for (int i = 0; i < NUMBER_DIGITS; i++)
        number = number * 10 + (file[i] - '0');
    return number;
}

static int complain(int status, const char *directory, const char *file, const char *problem)
{
    fprintf(stderr, "todoctl: %s/%s: %s\n", directory, file, problem);
    return status;
}

static void checksum(struct migration *migration, size_t length)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (!EVP_Digest(migration->sql, length, digest, &size, EVP_sha256(), NULL))
        log_out_of_memory();
    for (unsigned i = 0; i < size; i++)
        snprintf(migration->checksum + 2 * (size_t)i, 3, "%02x", digest[i]);
}

/* The whole of `stream`, terminated, in memory of its own; NULL with errno set when that fails. */
static char *read_all(FILE *stream, size_t *length)
{
    char *data = malloc(MIGRATION_MAX + 1);

    if (!data)
        log_out_of_memory();
    *length = fread(data, 1, MIGRATION_MAX + 1, stream);
    if (ferror(stream) || *length > MIGRATION_MAX) {
        errno = ferror(stream) ? errno : EFBIG;
        free(data);
        return NULL;
    }
    data[*length] = '\0';
    return data;
}

static int read_sql(struct migration *migration, const char *directory)
{
    char path[PATH_MAX];
    size_t length = 0;
    FILE *stream = NULL;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, migration->file) < sizeof path)
        stream = fopen(path, "re");
    if (stream)
        migration->sql = read_all(stream, &length);
    if (!migration->sql) {
        int status = complain(EX_NOINPUT, directory, migration->file, strerror(errno));

        if (stream)
            fclose(stream);
        return status;
    }
    fclose(stream);
    if (memchr(migration->sql, '\0', length))
        return complain(EX_DATAERR, directory, migration->file, "is not text");
    checksum(migration, length);
    return EX_OK;
}

/* Takes over the name. */
static int add(struct migrations *migrations, const char *directory, char *file)
{
    struct migration *migration = &migrations->items[migrations->count];

    *migration = (struct migration){.version = number_of(file), .file = file};
    migrations->count++;
    if (migration->version != (int)migrations->count - 1)
        return complain(EX_DATAERR, directory, file,
                        "the numbers must run from 0000 without gaps, each once");
    return read_sql(migration, directory);
}

int migrations_read(struct migrations *migrations, const char *directory)
{
    struct dirent **entries = NULL;
    int found = scandir(directory, &entries, is_migration, alphasort);
    int status = EX_OK;

    *migrations = (struct migrations){NULL, 0};
    if (found <= 0) {
        free(entries);
        return complain(EX_NOINPUT, directory, "0000_*.sql",
                        found < 0 && errno != ENOENT
                            ? strerror(errno)
                            : "there is none: name the directory of the schema with --schema");
    }
    migrations->items = calloc((size_t)found, sizeof *migrations->items);
    if (!migrations->items)
        log_out_of_memory();
    for (int i = 0; i < found; i++) {
        char *file = strdup(entries[i]->d_name);

        if (!file)
            log_out_of_memory();
        if (status == EX_OK)
            status = add(migrations, directory, file);
        else
            free(file);
        free(entries[i]);
    }
    free(entries);
    return status;
}

void migrations_fini(struct migrations *migrations)
{
    for (size_t i = 0; i < migrations->count; i++) {
        free(migrations->items[i].file);
        free(migrations->items[i].sql);
    }
    free(migrations->items);
    *migrations = (struct migrations){NULL, 0};
}

size_t migration_line(const char *sql, size_t position)
{
    size_t line = 1;

    for (size_t seen = 1; *sql != '\0' && seen < position; sql++) {
        bool ends_character = ((unsigned char)sql[1] & 0xc0) != 0x80;

        line += *sql == '\n';
        seen += ends_character;
    }
    return line;
}
