/* The messages of a conductor log with timestamps, and of the runs that went as most runs go what they say. */
#include "conductor.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { MINUTE = 17, STAMP = 23, EPOCH_DIGITS = 13, EXACT_DIGITS = 15 }; /* 2026-11-22T16:10:58.813 */

static const int64_t MAX_DURATION_US = 3600000000;

typedef struct {
    Place at; /* the Z in which the timestamp ends */
    Place end;
    Message message;
} Line;

typedef struct {
    PyObject *match; /* of the regular expression: text, start, end */
    PyObject *object;
    Place data, end;
    Place line_end; /* of the line that was looked at last */
    Py_ssize_t offset;
    int span_ms; /* a part of a minute, within which a run is */
    PyObject *found;
    Line *lines; /* of the run that was begun, or none */
    Py_ssize_t count, room;
} Scan;

static bool append(PyObject *list, PyObject *item)
{
    bool done = item != NULL && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return done;
}

/* What the regular expression finds at `at`: a match, whose end is in `*end`, or None. */
static PyObject *match_at(const Scan *scan, Place at, Place *end)
{
    PyObject *match =
        PyObject_CallFunction(scan->match, "Onn", scan->object, at - scan->data, scan->end - scan->data);
    *end = NULL;
    if (match == NULL || match == Py_None)
        return match;
    PyObject *last = PyObject_CallMethod(match, "end", NULL);
    Py_ssize_t stop = last == NULL ? -1 : PyLong_AsSsize_t(last);
    Py_XDECREF(last);
    if (!PyErr_Occurred() && (stop < at - scan->data || stop > scan->end - scan->data))
        PyErr_SetString(PyExc_ValueError, "a match outside of the text");
    if (PyErr_Occurred())
        Py_CLEAR(match);
    else
        *end = scan->data + stop;
    return match;
}

/* Adds a match, unless it is None. */
static bool add_match(Scan *scan, PyObject *match)
{
    if (match != Py_None) /* NULL is an exception */
        return append(scan->found, match);
    Py_DECREF(match);
    return true;
}

/* The lines of the run that was begun, one by one: it is none of the usual ones. */
static bool give_up(Scan *scan)
{
    Place end;
    for (Py_ssize_t i = 0; i < scan->count; i++)
        if (!add_match(scan, match_at(scan, scan->lines[i].at, &end)))
            return false;
    scan->count = 0;
    return true;
}

static bool is_equal(Text one, Text other)
{
    return one.end - one.start == other.end - other.start &&
           memcmp(one.start, other.start, one.end - one.start) == 0;
}

static bool is_blank(Text text)
{
    while (text.start < text.end && is_space(*text.start))
        text.start++;
    return text.start == text.end;
}

static bool is_alnum(unsigned char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* The sequence in <sequence>-<13 digits>-<letters and digits>; empty if it is of another form. */
static Text sequence_of(Text request)
{
    Place at = request.end;
    while (at > request.start && is_alnum(at[-1]))
        at--;
    Text none = {request.start, request.start};
    if (at == request.end || at - request.start < EPOCH_DIGITS + 3 || at[-1] != '-')
        return none;
    at -= EPOCH_DIGITS + 2;
    for (int i = 1; i <= EPOCH_DIGITS; i++)
        if (!is_digit(at[i]))
            return none;
    return (Text){request.start, *at == '-' ? at : request.start};
}

/* Microseconds as float(text) * 1000, rounded; -1 if it has more digits than a double holds exactly. */
static int64_t microseconds(Text text)
{
    int64_t digits = 0;
    int count = 0;
    double per_ms = 1;
    bool fraction = false;
    for (Place at = text.start; at < text.end; at++) {
        if (*at == '.') {
            fraction = true;
        } else {
            if (++count > EXACT_DIGITS)
                return -1;
            digits = digits * 10 + (*at - '0');
            per_ms *= fraction ? 10 : 1;
        }
    }
    return (int64_t)rint((double)digits / per_ms * 1000);
}

/* Milliseconds within the minute; -1 if the timestamp is of another minute than that of `first`. */
static int millisecond(const Scan *scan, const Line *first, const Line *line)
{
    if (first->at - scan->data < STAMP) /* and so is `line`, which is not before it */
        return -1;
    Place stamp = line->at - STAMP, clock = stamp + MINUTE;
    if (memcmp(stamp, first->at - STAMP, MINUTE) != 0)
        return -1;
    if (clock[0] < '0' || clock[0] > '5' || clock[2] != '.')
        return -1;
    if (!is_digit(clock[1]) || !is_digit(clock[3]) || !is_digit(clock[4]) || !is_digit(clock[5]))
        return -1;
    int second = (clock[0] - '0') * 10 + (clock[1] - '0');
    return second * 1000 + (clock[3] - '0') * 100 + (clock[4] - '0') * 10 + (clock[5] - '0');
}

static bool set_integer(PyObject *tuple, Py_ssize_t at, long long value)
{
    PyObject *number = PyLong_FromLongLong(value);
    if (number == NULL)
        return false;
    PyTuple_SET_ITEM(tuple, at, number);
    return true;
}

static char *put(char *to, Text text, char then)
{
    memcpy(to, text.start, text.end - text.start);
    to += text.end - text.start;
    *to = then;
    return to + 1;
}

/* The sequence, and number and event of each beat, a line each. */
static PyObject *path_of(const Scan *scan, Text sequence)
{
    Py_ssize_t size = sequence.end - sequence.start + 1;
    for (Py_ssize_t i = 2; i < scan->count - 1; i += 3) {
        const Message *started = &scan->lines[i].message;
        size += started->number.end - started->number.start + started->text.end - started->text.start + 2;
    }
    PyObject *path = PyBytes_FromStringAndSize(NULL, size);
    if (path == NULL)
        return NULL;
    char *to = put(PyBytes_AS_STRING(path), sequence, '\n');
    for (Py_ssize_t i = 2; i < scan->count - 1; i += 3) {
        to = put(to, scan->lines[i].message.number, '\t');
        to = put(to, scan->lines[i].message.text, '\n');
    }
    return path;
}

/* Fills the columns of a run; 1 if it is a usual one, 0 if it is not, -1 after an exception. */
static int read_beats(const Scan *scan, PyObject *after_ms, PyObject *offsets, PyObject *durations_us)
{
    const Line *lines = scan->lines, *request = &lines[1];
    Py_ssize_t beats = PyTuple_GET_SIZE(offsets);
    int begin_ms = millisecond(scan, request, request), last_ms = begin_ms;
    if (begin_ms < 0)
        return 0;
    for (Py_ssize_t beat = 0; beat < beats; beat++) {
        const Line *started = &lines[2 + 3 * beat], *duration = started + 1, *executed = started + 2;
        int started_ms = millisecond(scan, request, started), at_ms = millisecond(scan, request, duration);
        int64_t duration_us = microseconds(duration->message.duration);
        if (started_ms < last_ms || at_ms < started_ms || duration_us < 0 || duration_us > MAX_DURATION_US ||
            !is_equal(started->message.number, executed->message.number) ||
            !is_equal(started->message.text, executed->message.text))
            return 0;
        if (!set_integer(after_ms, beat, at_ms - begin_ms) ||
            !set_integer(offsets, beat, scan->offset + (duration->at - scan->data)) ||
            !set_integer(durations_us, beat, duration_us))
            return -1;
        last_ms = at_ms;
    }
    int end_ms = millisecond(scan, request, &lines[scan->count - 1]);
    if (end_ms < last_ms || begin_ms / scan->span_ms != end_ms / scan->span_ms)
        return 0;
    return set_integer(after_ms, beats, end_ms - begin_ms) ? 1 : -1;
}

/* Adds the run that has come to its end. */
static bool add_run(Scan *scan)
{
    const Line *lines = scan->lines, *request = &lines[1];
    Text sequence = sequence_of(request->message.text);
    if (sequence.start == sequence.end || is_blank(lines[0].message.text))
        return give_up(scan);
    Py_ssize_t beats = (scan->count - 3) / 3;
    PyObject *after_ms = PyTuple_New(beats + 1), *offsets = PyTuple_New(beats), *us = PyTuple_New(beats);
    int usual = after_ms && offsets && us ? read_beats(scan, after_ms, offsets, us) : -1;
    bool done = usual == 0 && give_up(scan);
    if (usual > 0) {
        const char *id = (const char *)request->message.text.start;
        const char *stamp = (const char *)request->at - STAMP;
        PyObject *path = path_of(scan, sequence);
        PyObject *name = PyUnicode_DecodeUTF8(id, (const char *)request->message.text.end - id, "replace");
        PyObject *time = PyUnicode_DecodeASCII(stamp, STAMP + 1, "replace");
        if (path && name && time)
            done = append(scan->found,
                          Py_BuildValue("nnnOOOOOO", lines[0].at - scan->data,
                                        lines[scan->count - 1].end - scan->data, request->at - scan->data, time,
                                        name, path, after_ms, offsets, us));
        Py_XDECREF(path);
        Py_XDECREF(name);
        Py_XDECREF(time);
        scan->count = 0;
    }
    Py_XDECREF(after_ms);
    Py_XDECREF(offsets);
    Py_XDECREF(us);
    return done;
}

/* Puts a line of a run to those before it. */
static bool keep(Scan *scan, Place at, Place end, Message message)
{
    if (scan->count == scan->room) {
        Py_ssize_t room = scan->room * 2 + 64;
        Line *lines = PyMem_Realloc(scan->lines, room * sizeof(Line));
        if (lines == NULL) {
            PyErr_NoMemory();
            return false;
        }
        scan->lines = lines;
        scan->room = room;
    }
    scan->lines[scan->count++] = (Line){at, end, message};
    return true;
}

/* Whether a message of this kind goes on with the run: executing, request, a beat or several, ended. */
static bool is_next_kind(const Scan *scan, Kind kind)
{
    if (kind == EXECUTING || scan->count == 0)
        return kind == EXECUTING && scan->count == 0;
    Kind last = scan->lines[scan->count - 1].message.kind;
    return (last == EXECUTED && (kind == STARTED || kind == ENDED)) || (last != EXECUTED && kind == last + 1);
}

/* Takes the message at `message` in the line of `at`; `*end` is where the line is read on, NULL: from here. */
static bool take(Scan *scan, Place at, Place message, Place *end)
{
    const Form *form = form_at(message, scan->end);
    *end = NULL;
    if (form == NULL)
        return true;
    if (scan->line_end == NULL || message > scan->line_end) {
        scan->line_end = memchr(message, '\n', scan->end - message);
        if (scan->line_end == NULL)
            scan->line_end = scan->end;
    }
    Message told = read_message(form, message, scan->line_end);
    if (told.kind == NONE)
        return true;
    if (told.kind == OTHER) {
        PyObject *match = match_at(scan, at, end);
        if (match != NULL && match != Py_None && !give_up(scan))
            Py_CLEAR(match);
        return add_match(scan, match);
    }
    if (!is_next_kind(scan, told.kind) && !give_up(scan))
        return false;
    if (!is_next_kind(scan, told.kind))
        return add_match(scan, match_at(scan, at, end));
    *end = scan->line_end;
    if (!keep(scan, at, *end, told))
        return false;
    return told.kind != ENDED || add_run(scan);
}

/* The first byte from `at` on that begins a character of three bytes or more, as all messages do; or `end`. */
static Place next_sign(Place at, Place end)
{
    const uint64_t highs = 0x8080808080808080u;
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        if ((word & (word << 1) & (word << 2) & highs) != 0) /* a byte of 0xE0 or more */
            break;
    }
    while (at < end && *at < 0xE0)
        at++;
    return at;
}

/* Reads on to the end, or to the line in which the program starts again without a timestamp. */
static bool scan_lines(Scan *scan, Place start)
{
    Place at = start;
    while ((at = next_sign(at, scan->end)) < scan->end) {
        Place blank = at, end = NULL;
        while (blank > start && blank[-1] == ' ')
            blank--;
        if (blank == start || blank[-1] == '\n') {
            if (is_restart(at, scan->end))
                scan->end = blank;
        } else if (blank < at && blank[-1] == 'Z' && !take(scan, blank - 1, at, &end)) {
            return false;
        }
        at = end == NULL ? at + 1 : end;
    }
    return give_up(scan);
}

PyObject *stamped_lines(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *pattern, *object;
    Py_ssize_t start, offset;
    int span_s;
    if (!PyArg_ParseTuple(arguments, "OSnni", &pattern, &object, &start, &offset, &span_s))
        return NULL;
    if (start < 0 || start > PyBytes_GET_SIZE(object) || span_s < 1 || span_s > 60) {
        PyErr_SetString(PyExc_ValueError, "no such part of a text, or of a minute");
        return NULL;
    }
    Place data = (Place)PyBytes_AS_STRING(object);
    Scan scan = {.object = object, .data = data, .end = data + PyBytes_GET_SIZE(object)};
    scan.offset = offset;
    scan.span_ms = span_s * 1000;
    scan.match = PyObject_GetAttrString(pattern, "match");
    scan.found = PyList_New(0);
    bool done = scan.match != NULL && scan.found != NULL && scan_lines(&scan, data + start);
    PyMem_Free(scan.lines);
    Py_XDECREF(scan.match);
    if (!done)
        Py_CLEAR(scan.found);
    return done ? Py_BuildValue("Nn", scan.found, scan.end - data) : NULL;
}
