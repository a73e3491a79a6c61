/* What lines of named fields have in common, whatever form they have. */
#include "line.h"

#include <math.h>
#include <string.h>

Field field_of(const Keys *keys, const byte *at, Py_ssize_t size)
{
    for (int i = 0; i < keys->count; i++)
        if (keys->names[i].size == size && memcmp(keys->names[i].at, at, (size_t)size) == 0)
            return keys->fields[i];
    return UNKNOWN;
}

const byte *plain_text_end(const byte *at, const byte *newline)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    for (;;) {
        while (newline - at >= 8) {
            uint64_t word;
            memcpy(&word, at, 8);
            uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
            /* Each term marks the first such byte for certain, and may mark others behind it. */
            uint64_t marks = (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                              ((word - ones * 0x20) & ~word) | word) & highs;
            if (marks != 0) {
                at += __builtin_ctzll(marks) / 8;
                break;
            }
            at += 8;
        }
#else
    for (;;) {
#endif
        while (*at < 0x80 && *at >= 0x20 && *at != '"' && *at != '\\')
            at++;
        int length = *at < 0x80 ? 0 : sequence_length(at, newline);
        if (length == 0)
            return at;
        at += length;
    }
}

/* Seconds, milli-, micro- or nanoseconds since 1970, told apart by their size: as time_text._from_epoch does. */
bool epoch_ms(double value, int64_t *at_ms)
{
    if (!(value >= 1.0 && value < 1e18))
        return false;
    double units = value >= 1e17 ? value / 1e6 : value >= 1e14 ? value / 1e3 : value >= 1e11 ? value : value * 1000;
    *at_ms = (int64_t)nearbyint(units);
    return true;
}

/* Digits alone are an epoch time, if they are too many for a date. */
static bool time_of_digits(const byte *at, Py_ssize_t size, int64_t *at_ms)
{
    double number;
    for (Py_ssize_t i = 0; i < size; i++)
        if (at[i] < '0' || at[i] > '9')
            return false;
    return size > 8 && decimal_number(at, at + size, &number) != NULL && epoch_ms(number, at_ms);
}

bool take_text(Line *line, Field field, const byte *at, Py_ssize_t size)
{
    if (size == 0)
        return false;
    switch (field) {
    case TIMESTAMP:
        line->is_timed = instant_ms(at, size, &line->at_ms) || time_of_digits(at, size, &line->at_ms);
        return line->is_timed;
    case KIND:
    case EVENT:
    case HANDLER:
    case SEQUENCE:
        line->names[field] = (Text){at, size};
        return size <= MAX_NAME_BYTES;
    default:
        return false; /* a run has an order, an error a text: columns do not hold them */
    }
}
