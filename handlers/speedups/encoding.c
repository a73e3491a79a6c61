/* Whether bytes are text, and how many lines they are. */
#include "line.h"

#include <stdint.h>
#include <string.h>

PyObject *count_lines(PyObject *Py_UNUSED(module), PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    const unsigned char *bytes = view.buf;
    Py_ssize_t lines = 0;
    for (Py_ssize_t i = 0; i < view.len; i++)
        lines += bytes[i] == '\n';
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

PyObject *is_text(PyObject *Py_UNUSED(module), PyObject *data)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    const unsigned char *at = view.buf, *end = at + view.len;
    int length = 1;
    while (at < end && length > 0) {
        uint64_t word;
        if (end - at >= 8 && (memcpy(&word, at, 8), ((word | (word - ones)) & highs) == 0)) {
            at += 8; /* all ASCII, and none of them NUL */
        } else if (*at < 0x80) {
            length = *at != 0;
            at += 1;
        } else {
            length = sequence_length(at, end);
            at += length;
        }
    }
    PyBuffer_Release(&view);
    return PyBool_FromLong(length > 0);
}
