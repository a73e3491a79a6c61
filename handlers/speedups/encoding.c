/* Whether bytes are text, and how many lines they are. */
#include "line.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

PyObject *count_lines(PyObject *Py_UNUSED(module), PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    const unsigned char *at = view.buf, *end = at + view.len;
    Py_ssize_t lines = 0;
    while (at < end) { /* in pieces whose count is a byte: compilers make much of that */
        const unsigned char *piece = end - at > UCHAR_MAX ? at + UCHAR_MAX : end;
        unsigned char count = 0;
        for (; at < piece; at++)
            count += *at == '\n';
        lines += count;
    }
    PyBuffer_Release(&view);
    return PyLong_FromSsize_t(lines);
}

/* Length of the UTF-8 sequence at `at`; 0 if there is none. Table 3-7 of the Unicode Standard. */
int sequence_length(const unsigned char *at, const unsigned char *end)
{
    unsigned char first = at[0], low = 0x80, high = 0xBF;
    int length;
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        low = first == 0xE0 ? 0xA0 : 0x80;
        high = first == 0xED ? 0x9F : 0xBF;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        low = first == 0xF0 ? 0x90 : 0x80;
        high = first == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (end - at < length || at[1] < low || at[1] > high)
        return 0;
    for (int i = 2; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

/* Where the text ends: at `end`, or before what is no UTF-8, or NUL. */
static const unsigned char *text_end(const unsigned char *at, const unsigned char *end)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    while (at < end) {
        uint64_t word;
        if (end - at >= 8 && (memcpy(&word, at, 8), ((word | (word - ones)) & highs) == 0)) {
            at += 8; /* all ASCII, and none of them NUL */
        } else if (*at < 0x80) {
            if (*at == 0)
                return at;
            at += 1;
        } else {
            int length = sequence_length(at, end);
            if (length == 0)
                return at;
            at += length;
        }
    }
    return end;
}

PyObject *undecodable_lines(PyObject *Py_UNUSED(module), PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    const unsigned char *at = view.buf, *end = at + view.len;
    Py_ssize_t lines = 0;
    while ((at = text_end(at, end)) < end) {
        lines++;
        at = memchr(at, '\n', end - at);
        at = at == NULL ? end : at + 1;
    }
    PyBuffer_Release(&view);
    return PyLong_FromSsize_t(lines);
}
