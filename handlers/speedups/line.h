/* One line of named fields, as its parsers hand it to who packs it. */
#ifndef SELFHEALD_LINE_H
#define SELFHEALD_LINE_H

#include "speedups.h"

#include <stdbool.h>
#include <stdint.h>

#define MAX_NAME_BYTES 300
#define MAX_KEYS 16

typedef unsigned char byte;

typedef struct {
    const byte *at; /* NULL: there is none */
    Py_ssize_t size;
} Text;

/* As handlers.formats.packed.FIELDS numbers them: first those by which lines of one sort are told. */
typedef enum {
    EVENT, HANDLER, SEQUENCE, BEAT, KIND, NAMES,
    TIMESTAMP = NAMES, REQUEST_ID, DURATION, ERROR, UNKNOWN
} Field;

typedef struct {
    Text names[MAX_KEYS];
    Field fields[MAX_KEYS];
    int count;
} Keys;

typedef struct {
    Text names[NAMES];
    unsigned seen; /* fields that occur, a bit each */
    bool is_timed; /* has a time */
    bool has_duration;
    int64_t at_ms;
    double duration;
} Line;

/* What a line is: read into a Line; no telemetry for certain; or neither, which Python is to look at. */
typedef enum { READ, UNREADABLE, UNUSUAL } Reading;

/* `at` is the first byte of a line and `newline` its last, which is '\n'. */
typedef Reading Parser(const byte *at, const byte *newline, const Keys *keys, Line *line);
Parser json_line, logfmt_line;

Field field_of(const Keys *keys, const byte *at, Py_ssize_t size);
/* The next quote, backslash, control or byte that begins no UTF-8 sequence; there is one: the newline. */
const byte *plain_text_end(const byte *at, const byte *newline);
/* The text of a field but `duration`; false if it is unusual there. */
bool take_text(Line *line, Field field, const byte *at, Py_ssize_t size);
bool epoch_ms(double value, int64_t *at_ms);
/* 0 to 18 digits with a fraction or without; NULL if it is none. */
const byte *decimal_number(const byte *at, const byte *end, double *value);
/* ISO 8601 with its zone, from 1972 on. */
bool instant_ms(const byte *at, Py_ssize_t size, int64_t *at_ms);
/* Length of the UTF-8 sequence at `at`; 0 if there is none. */
int sequence_length(const byte *at, const byte *end);

#endif
