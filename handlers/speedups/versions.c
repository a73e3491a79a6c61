/* Where a log may tell the version of the program that writes it. */
#include "speedups.h"

#include <string.h>

enum { STEP = 4096, LONGEST = 6 };

static int is_hint(const unsigned char *at, const unsigned char *end)
{
    if (end - at >= LONGEST && (memcmp(at, "ersion", LONGEST) == 0 || memcmp(at, "ERSION", LONGEST) == 0))
        return 1;
    return end - at >= 3 && at[0] == ' ' && at[1] == 'v' && at[2] >= '0' && at[2] <= '9';
}

/* Without a branch, so that compilers make it a loop over vectors. Reads up to four bytes beyond `length`. */
static unsigned char may_hold_hint(const unsigned char *at, Py_ssize_t length)
{
    unsigned char found = 0;
    for (Py_ssize_t i = 0; i < length; i++) {
        unsigned char b = at[i + 1], c = at[i + 2];
        found |= ((b | 0x20) == 'r') & ((c | 0x20) == 's') & ((at[i + 3] | 0x20) == 'i') &
                 ((at[i + 4] | 0x20) == 'o');
        found |= (at[i] == ' ') & (b == 'v') & ((unsigned char)(c - '0') < 10);
    }
    return found;
}

PyObject *version_hint(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer view;
    Py_ssize_t start, found = -1;
    if (!PyArg_ParseTuple(arguments, "y*n", &view, &start))
        return NULL;
    const unsigned char *begin = view.buf, *end = begin + view.len;
    for (Py_ssize_t at = start < 0 ? 0 : start; at < view.len && found < 0;) {
        Py_ssize_t length = view.len - at - LONGEST; /* what may be read beyond of */
        length = length > STEP ? STEP : length;
        if (length <= 0)
            length = view.len - at;
        else if (!may_hold_hint(begin + at, length)) {
            at += length;
            continue;
        }
        for (Py_ssize_t i = at; i < at + length && found < 0; i++)
            if (is_hint(begin + i, end))
                found = i;
        at += length;
    }
    PyBuffer_Release(&view);
    return PyLong_FromSsize_t(found);
}
