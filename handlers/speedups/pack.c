/* Packs lines that tell of beats of no run into rows, see handlers.formats.packed. */
#include "line.h"

#include <math.h>
#include <string.h>

#define MAX_KEY_BYTES (NAMES * (MAX_NAME_BYTES + 1) + 1)
#define CACHED 256
#define FIRST_MS 100000000000LL /* in these years a number is told to be milliseconds by its size */
#define LAST_MS 100000000000000LL
#define ROWS_AT_ONCE 256

typedef struct {
    Text names[NAMES];
    bool has_duration;
    bool is_filled;
    long number;
} Cached;

typedef struct {
    Parser *parse;
    Keys keys;
    double to_ms;
    PyObject *numbers; /* of what lines are about, by their names */
    Cached cache[CACHED];
    Row rows[ROWS_AT_ONCE];
    Py_ssize_t row_count;
    PyObject *into; /* bytearray of rows */
    long long matched, unreadable;
    int64_t latest_ms;
} Packer;

static bool flush_rows(Packer *packer)
{
    Py_ssize_t size = PyByteArray_GET_SIZE(packer->into), more = packer->row_count * (Py_ssize_t)sizeof(Row);
    if (PyByteArray_Resize(packer->into, size + more) < 0)
        return false;
    memcpy(PyByteArray_AS_STRING(packer->into) + size, packer->rows, (size_t)more);
    packer->row_count = 0;
    return true;
}

static size_t hash_of(const Line *line)
{
    uint64_t hash = line->has_duration;
    for (int name = 0; name < NAMES; name++) {
        const byte *at = line->names[name].at;
        Py_ssize_t left = line->names[name].size;
        uint64_t word = 0;
        for (; left >= 8; at += 8, left -= 8) {
            memcpy(&word, at, 8);
            hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
            hash ^= hash >> 29;
        }
        word = (uint64_t)left;
        for (; left > 0; left--)
            word = word << 8 | *at++;
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    return (size_t)(hash >> 32);
}

static bool is_same(const Cached *cached, const Line *line)
{
    if (!cached->is_filled || cached->has_duration != line->has_duration)
        return false;
    for (int name = 0; name < NAMES; name++) {
        Text a = cached->names[name], b = line->names[name];
        if (a.size != b.size || (a.size > 0 && memcmp(a.at, b.at, (size_t)a.size) != 0))
            return false;
    }
    return true;
}

/* Asks Python, once for each distinct set of names in a file; false after an exception. */
static bool look_up(Packer *packer, const Line *line, long *number)
{
    char text[MAX_KEY_BYTES];
    Py_ssize_t size = 0;
    for (int name = 0; name < NAMES; name++) {
        Text part = line->names[name];
        if (part.size > 0)
            memcpy(text + size, part.at, (size_t)part.size);
        size += part.size;
        text[size++] = '\n';
    }
    text[size++] = line->has_duration ? '1' : '0';
    PyObject *key = PyBytes_FromStringAndSize(text, size);
    PyObject *found = key == NULL ? NULL : PyObject_GetItem(packer->numbers, key);
    Py_XDECREF(key);
    if (found == NULL)
        return false;
    *number = PyLong_AsLong(found);
    Py_DECREF(found);
    return *number != -1 || !PyErr_Occurred();
}

/* Takes a line that was read; false if it is unusual, or after an exception. */
static bool take(Packer *packer, const Line *line, long long offset)
{
    Cached *cached = &packer->cache[hash_of(line) % CACHED];
    if (!is_same(cached, line)) {
        long number;
        if (!look_up(packer, line, &number))
            return false;
        memcpy(cached->names, line->names, sizeof cached->names);
        cached->has_duration = line->has_duration;
        cached->number = number;
        cached->is_filled = true;
    }
    if (cached->number == NO_BEAT) {
        packer->unreadable++;
        return true;
    }
    if (cached->number < 0 || !line->is_timed || line->at_ms < FIRST_MS || line->at_ms >= LAST_MS)
        return false;
    if (packer->row_count == ROWS_AT_ONCE && !flush_rows(packer))
        return false;
    double duration_ms = line->has_duration ? line->duration * packer->to_ms : NAN;
    packer->rows[packer->row_count++] = (Row){offset, line->at_ms, duration_ms, cached->number};
    packer->matched++;
    if (line->at_ms > packer->latest_ms)
        packer->latest_ms = line->at_ms;
    return true;
}

/* Where the first line begins that was not taken. */
static const byte *take_lines(Packer *packer, const byte *at, const byte *end, long long offset)
{
    const byte *begin = at, *newline;
    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        Line line = {0};
        Reading reading = packer->parse(at, newline, &packer->keys, &line);
        if (reading == UNREADABLE)
            packer->unreadable++;
        else if (reading == UNUSUAL || !take(packer, &line, offset + (at - begin)))
            break;
        at = newline + 1;
    }
    return at;
}

/* Names from a sequence of (bytes, number of the field). */
static bool fill_keys(Keys *keys, PyObject *pairs)
{
    if (!PyTuple_Check(pairs) || PyTuple_GET_SIZE(pairs) > MAX_KEYS) {
        PyErr_SetString(PyExc_ValueError, "keys are a tuple of a few (name, field)");
        return false;
    }
    keys->count = (int)PyTuple_GET_SIZE(pairs);
    for (int i = 0; i < keys->count; i++) {
        const char *name;
        Py_ssize_t size;
        int field;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pairs, i), "y#i", &name, &size, &field))
            return false;
        if (field < 0 || field >= UNKNOWN) {
            PyErr_SetString(PyExc_ValueError, "no such field");
            return false;
        }
        keys->names[i] = (Text){(const byte *)name, size};
        keys->fields[i] = (Field)field;
    }
    return true;
}

static PyObject *pack(PyObject *args, Parser *parse)
{
    Py_buffer data;
    Py_ssize_t start;
    long long offset;
    PyObject *keys, *result = NULL;
    Packer *packer = PyMem_Calloc(1, sizeof *packer);
    if (packer == NULL)
        return PyErr_NoMemory();
    packer->parse = parse;
    if (PyArg_ParseTuple(args, "y*nLOdOO!", &data, &start, &offset, &keys, &packer->to_ms, &packer->numbers,
                         &PyByteArray_Type, &packer->into)) {
        const byte *begin = data.buf;
        if (start < 0 || start > data.len) {
            PyErr_SetString(PyExc_ValueError, "start is not within the data");
        } else if (fill_keys(&packer->keys, keys)) {
            const byte *end = take_lines(packer, begin + start, begin + data.len, offset + start);
            if (!PyErr_Occurred() && flush_rows(packer))
                result = Py_BuildValue("nLLL", (Py_ssize_t)(end - begin), packer->matched,
                                       packer->unreadable, (long long)packer->latest_ms);
        }
        PyBuffer_Release(&data);
    }
    PyMem_Free(packer);
    return result;
}

PyObject *pack_json(PyObject *Py_UNUSED(module), PyObject *args)
{
    return pack(args, json_line);
}

PyObject *pack_logfmt(PyObject *Py_UNUSED(module), PyObject *args)
{
    return pack(args, logfmt_line);
}
