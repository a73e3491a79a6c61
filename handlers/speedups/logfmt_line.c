/* A line of `key=value` pairs, as handlers.formats.logfmt.PAIR finds them; words that are no pair are passed. */
#include "line.h"

#include <string.h>

/* The next space or control; there is one: the newline. */
static const byte *word_end(const byte *at, const byte *newline)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    for (; newline - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        uint64_t marks = (word - ones * 0x21) & ~word & highs; /* the first one is marked for certain */
        if (marks != 0)
            return at + __builtin_ctzll(marks) / 8;
    }
#endif
    while (*at > 0x20)
        at++;
    return at;
}

/* Behind the quoted text whose first quote is at `at`; NULL if it has none behind it, or is no text. */
static const byte *quoted_end(const byte *at, const byte *newline)
{
    for (at = plain_text_end(at + 1, newline); *at == '\\'; at = plain_text_end(at + 2, newline))
        if (at[1] < 0x20)
            return NULL;
    return *at == '"' ? at + 1 : NULL;
}

/* Whether it is one of the words that writers print for values that are no text. */
static bool is_no_text(const byte *at, Py_ssize_t size)
{
    static const char *const words[] = {"true", "false", "null", "nil", "<nil>"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == (size_t)size && memcmp(words[i], at, (size_t)size) == 0)
            return true;
    return false;
}

static bool take_number(const byte *at, const byte *end, Field field, Line *line)
{
    double number;
    if (decimal_number(at, end, &number) != end)
        return false;
    if (field == DURATION) {
        line->has_duration = true;
        line->duration = number;
        return number < 1e15;
    }
    line->names[BEAT] = (Text){at, end - at};
    return end - at <= 9 && memchr(at, '.', (size_t)(end - at)) == NULL;
}

/* Takes the value of a field; false if it is unusual there. */
static bool take_value(const byte *at, const byte *end, const byte *newline, Field field, Line *line)
{
    if (line->seen & 1u << field)
        return false;
    line->seen |= 1u << field;
    if (at == end)
        return true; /* as if the field were not there */
    if (*at == '"') {
        if (plain_text_end(++at, newline) != --end)
            return false; /* an escape */
    } else if (is_no_text(at, end - at)) {
        return false;
    } else {
        for (const byte *next = at; (next = plain_text_end(next, newline)) < end; next++)
            if (*next != '"' && *next != '\\')
                return false; /* no UTF-8 */
    }
    return field == DURATION || field == BEAT ? take_number(at, end, field, line)
                                              : take_text(line, field, at, end - at);
}

Reading logfmt_line(const byte *at, const byte *newline, const Keys *keys, Line *line)
{
    const byte *stop = newline > at && newline[-1] == '\r' ? newline - 1 : newline;
    const byte *first = at;
    while (at < stop) {
        if (*at == ' ') {
            at++;
            continue;
        }
        const byte *end = word_end(at, newline);
        const byte *equals = memchr(at, '=', (size_t)(end - at));
        if (end < stop && *end != ' ')
            return UNUSUAL; /* a control */
        if (equals != NULL) {
            if (equals == at || memchr(at, '"', (size_t)(equals - at)) != NULL)
                return UNUSUAL;
            const byte *value = equals + 1;
            if (*value == '"') {
                end = quoted_end(value, newline);
                if (end == NULL || (end < stop && *end != ' '))
                    return UNUSUAL;
            }
            Field field = field_of(keys, at, equals - at);
            if (field != UNKNOWN && !take_value(value, end, newline, field, line))
                return UNUSUAL;
        }
        at = end;
    }
    return first < stop && *first > ' ' ? READ : UNUSUAL;
}
