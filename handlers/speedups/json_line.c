/* A line that is one JSON object (RFC 8259), as msgspec reads it; where it would be refused, or is hard to
   read, it is unusual. Every loop ends at the newline, which no part of a JSON text on one line holds. */
#include "line.h"

#include <string.h>

#define MAX_DEPTH 16

static const byte *after_space(const byte *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* Behind the word; NULL if it is another one. */
static const byte *after_word(const byte *at, const byte *newline, const char *word)
{
    size_t size = strlen(word);
    return newline - at >= (Py_ssize_t)size && memcmp(at, word, size) == 0 ? at + size : NULL;
}

/* Behind a string whose first quote is at `at`; NULL if it is none, or has an escape of four digits. */
static const byte *after_string(const byte *at, const byte *newline)
{
    for (at = plain_text_end(at + 1, newline); *at == '\\'; at = plain_text_end(at + 2, newline))
        if (at[1] < 0x20 || strchr("\"\\/bfnrt", at[1]) == NULL)
            return NULL;
    return *at == '"' ? at + 1 : NULL;
}

/* Behind a number of an ordinary size and without an exponent. */
static const byte *after_number(const byte *at, const byte *newline)
{
    double value;
    at += *at == '-';
    return at[0] == '0' && at[1] >= '0' && at[1] <= '9' ? NULL : decimal_number(at, newline, &value);
}

static const byte *after_value(const byte *at, const byte *newline, int depth);

/* Behind an object or an array; NULL if it is none, or too deep. */
static const byte *after_nest(const byte *at, const byte *newline, int depth)
{
    const byte closing = *at == '{' ? '}' : ']';
    if (depth == MAX_DEPTH)
        return NULL;
    at = after_space(at + 1);
    if (*at == closing)
        return at + 1;
    for (;; at = after_space(at + 1)) {
        if (closing == '}') {
            if (*at != '"' || (at = after_string(at, newline)) == NULL)
                return NULL;
            at = after_space(at);
            if (*at != ':')
                return NULL;
            at = after_space(at + 1);
        }
        if ((at = after_value(at, newline, depth + 1)) == NULL)
            return NULL;
        at = after_space(at);
        if (*at == closing)
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

/* Behind a value that is valid JSON and that any parser takes. */
static const byte *after_value(const byte *at, const byte *newline, int depth)
{
    switch (*at) {
    case '"':
        return after_string(at, newline);
    case '{':
    case '[':
        return after_nest(at, newline, depth);
    case 't':
        return after_word(at, newline, "true");
    case 'f':
        return after_word(at, newline, "false");
    case 'n':
        return after_word(at, newline, "null");
    default:
        return after_number(at, newline);
    }
}

/* Takes the value of a field; NULL if it is unusual there. */
static const byte *take_value(const byte *at, const byte *newline, Field field, Line *line)
{
    double number;
    if (*at == 'n')
        return after_word(at, newline, "null"); /* as if the field were not there */
    if (*at == '"') {
        const byte *end = plain_text_end(at + 1, newline);
        return *end == '"' && take_text(line, field, at + 1, end - at - 1) ? end + 1 : NULL;
    }
    if (at[0] == '0' && at[1] >= '0' && at[1] <= '9')
        return NULL;
    const byte *end = decimal_number(at, newline, &number);
    if (end == NULL)
        return NULL;
    switch (field) {
    case TIMESTAMP:
        line->is_timed = epoch_ms(number, &line->at_ms);
        return line->is_timed ? end : NULL;
    case DURATION:
        line->has_duration = true;
        line->duration = number;
        return number < 1e15 ? end : NULL;
    case BEAT:
        line->names[BEAT] = (Text){at, end - at};
        return end - at <= 9 && memchr(at, '.', (size_t)(end - at)) == NULL ? end : NULL;
    default:
        return NULL;
    }
}

Reading json_line(const byte *at, const byte *newline, const Keys *keys, Line *line)
{
    if ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || *at == '<')
        return UNREADABLE; /* no object for certain */
    if (*at != '{')
        return UNUSUAL;
    at = after_space(at + 1);
    for (bool first = true; *at != '}' || !first; first = false) {
        if (*at != '"')
            return UNUSUAL;
        const byte *key = at + 1;
        at = plain_text_end(key, newline);
        if (*at != '"')
            return UNUSUAL;
        Field field = field_of(keys, key, at - key);
        at = after_space(at + 1);
        if (*at != ':')
            return UNUSUAL;
        at = after_space(at + 1);
        if (field == UNKNOWN) {
            at = after_value(at, newline, 0);
        } else {
            if (line->seen & 1u << field)
                return UNUSUAL;
            line->seen |= 1u << field;
            at = take_value(at, newline, field, line);
        }
        if (at == NULL)
            return UNUSUAL;
        at = after_space(at);
        if (*at == '}')
            break;
        if (*at != ',')
            return UNUSUAL;
        at = after_space(at + 1);
    }
    for (at++; *at == ' ' || *at == '\t' || *at == '\r'; at++)
        ;
    return at == newline ? READ : UNUSUAL;
}
