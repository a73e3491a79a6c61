/* Counts packed beats by window and subject, see handlers.telemetry.tally. */
#include "speedups.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define SLOWEST 3            /* handlers.metrics.EXAMPLES */
#define MOST_ROWS (1 << 20) /* at once: so many of the longest durations add up to less than 2^63 */

typedef struct {
    int64_t duration_us;
    const Row *row;
} Slow;

typedef struct {
    int64_t window_ms;
    double max_duration_ms;
    const int64_t *edges; /* the largest duration of each bin, in microseconds, ascending */
    Py_ssize_t edge_count;
    Py_ssize_t subjects;
    int32_t *first, *last; /* by subject: index of its first and last row in the part that is being counted */
    int32_t *next;         /* by row: index of the next one of its subject */
    int32_t *order;        /* subjects in the order in which they occur */
    uint32_t *bins;        /* the first is that of 0 */
    PyObject *counted;
} Tally;

static int64_t window_of(int64_t at_ms, int64_t window_ms)
{
    return at_ms / window_ms - (at_ms % window_ms < 0);
}

static Py_ssize_t bin_of(const Tally *tally, int64_t duration_us)
{
    if (duration_us <= 0)
        return 0;
    const int64_t *base = tally->edges;
    for (Py_ssize_t left = tally->edge_count; left > 0;) {
        Py_ssize_t half = left / 2;
        bool above = base[half] < duration_us;
        base += above ? half + 1 : 0;
        left = above ? left - half - 1 : half;
    }
    return base - tally->edges + 1;
}

static bool is_slower(Slow a, Slow b)
{
    if (a.duration_us != b.duration_us)
        return a.duration_us > b.duration_us;
    if (a.row->at_ms != b.row->at_ms)
        return a.row->at_ms < b.row->at_ms;
    return a.row->offset < b.row->offset;
}

static int keep_slowest(Slow *slowest, int count, Slow slow)
{
    int at = count;
    while (at > 0 && is_slower(slow, slowest[at - 1]))
        at--;
    if (at == SLOWEST)
        return count;
    count += count < SLOWEST;
    memmove(slowest + at + 1, slowest + at, (size_t)(count - at - 1) * sizeof *slowest);
    slowest[at] = slow;
    return count;
}

/* {bin: count}, in ascending order; empties the bins. */
static PyObject *told_bins(Tally *tally, Py_ssize_t low, Py_ssize_t high)
{
    PyObject *bins = PyDict_New();
    for (Py_ssize_t bin = low; bin <= high; bin++) {
        if (tally->bins[bin] == 0)
            continue;
        PyObject *key = PyLong_FromSsize_t(bin - 1), *count = PyLong_FromUnsignedLong(tally->bins[bin]);
        tally->bins[bin] = 0;
        if (bins != NULL && (key == NULL || count == NULL || PyDict_SetItem(bins, key, count) < 0))
            Py_CLEAR(bins);
        Py_XDECREF(key);
        Py_XDECREF(count);
    }
    return bins;
}

static PyObject *told_slowest(const Slow *slowest, int count)
{
    PyObject *list = PyList_New(count);
    for (int i = 0; list != NULL && i < count; i++) {
        PyObject *slow = Py_BuildValue("LLL", (long long)slowest[i].duration_us,
                                       (long long)slowest[i].row->at_ms, (long long)slowest[i].row->offset);
        if (slow == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, slow);
    }
    return list;
}

/* Counts the rows of one subject, which all lie in one window. */
static bool count_subject(Tally *tally, const Row *rows, int32_t subject, int64_t window)
{
    Slow slowest[SLOWEST];
    int slow_count = 0;
    long long beats = 0, total_us = 0;
    Py_ssize_t low = tally->edge_count + 1, high = -1;
    for (int32_t at = tally->first[subject]; at >= 0; at = tally->next[at]) {
        double duration_ms = rows[at].duration_ms;
        beats++;
        if (!(duration_ms >= 0 && duration_ms <= tally->max_duration_ms))
            continue;
        int64_t duration_us = (int64_t)nearbyint(1000.0 * duration_ms);
        Py_ssize_t bin = bin_of(tally, duration_us);
        tally->bins[bin]++;
        low = bin < low ? bin : low;
        high = bin > high ? bin : high;
        total_us += duration_us;
        slow_count = keep_slowest(slowest, slow_count, (Slow){duration_us, rows + at});
    }
    PyObject *bins = told_bins(tally, low, high);
    PyObject *slow = bins == NULL ? NULL : told_slowest(slowest, slow_count);
    PyObject *group = slow == NULL ? NULL : Py_BuildValue("LiLLOO", (long long)window, (int)subject, beats,
                                                          total_us, bins, slow);
    bool done = group != NULL && PyList_Append(tally->counted, group) == 0;
    Py_XDECREF(bins);
    Py_XDECREF(slow);
    Py_XDECREF(group);
    return done;
}

/* Counts rows from the first on that lie in one window; how many they were, 0 after an exception. */
static Py_ssize_t count_part(Tally *tally, const Row *rows, Py_ssize_t most)
{
    int64_t window = window_of(rows->at_ms, tally->window_ms);
    int32_t count = 0, subjects = 0;
    for (; count < most && window_of(rows[count].at_ms, tally->window_ms) == window; count++) {
        int64_t subject = rows[count].subject;
        if (subject < 0 || subject >= tally->subjects) {
            PyErr_SetString(PyExc_ValueError, "a row is about a subject that is none");
            return 0;
        }
        if (tally->first[subject] < 0) {
            tally->first[subject] = count;
            tally->order[subjects++] = (int32_t)subject;
        } else {
            tally->next[tally->last[subject]] = count;
        }
        tally->last[subject] = count;
        tally->next[count] = -1;
    }
    for (int32_t i = 0; i < subjects; i++) {
        if (!count_subject(tally, rows, tally->order[i], window))
            return 0;
        tally->first[tally->order[i]] = -1;
    }
    return count;
}

static bool count_rows(Tally *tally, const Row *rows, Py_ssize_t count)
{
    Py_ssize_t most = count < MOST_ROWS ? count : MOST_ROWS;
    size_t subjects = (size_t)tally->subjects + 1;
    tally->first = PyMem_Malloc(subjects * sizeof *tally->first);
    tally->last = PyMem_Malloc(subjects * sizeof *tally->last);
    tally->order = PyMem_Malloc(subjects * sizeof *tally->order);
    tally->next = PyMem_Malloc(((size_t)most + 1) * sizeof *tally->next);
    tally->bins = PyMem_Calloc((size_t)tally->edge_count + 2, sizeof *tally->bins);
    bool done = tally->first && tally->last && tally->order && tally->next && tally->bins;
    if (done)
        memset(tally->first, 0xFF, subjects * sizeof *tally->first); /* -1: none */
    else
        PyErr_NoMemory();
    while (done && count > 0) {
        Py_ssize_t counted = count_part(tally, rows, count < most ? count : most);
        done = counted > 0;
        rows += counted;
        count -= counted;
    }
    PyMem_Free(tally->first);
    PyMem_Free(tally->last);
    PyMem_Free(tally->order);
    PyMem_Free(tally->next);
    PyMem_Free(tally->bins);
    return done;
}

PyObject *tally(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer rows, edges;
    long long window_ms;
    Tally tally = {0};
    bool done = false;
    if (!PyArg_ParseTuple(args, "y*nLdy*", &rows, &tally.subjects, &window_ms, &tally.max_duration_ms, &edges))
        return NULL;
    tally.window_ms = window_ms;
    tally.edges = edges.buf;
    tally.edge_count = edges.len / (Py_ssize_t)sizeof *tally.edges;
    if (rows.len % (Py_ssize_t)sizeof(Row) != 0 || tally.subjects < 0 || tally.subjects > INT32_MAX - 1 ||
        window_ms <= 0 || !(tally.max_duration_ms <= 8e9))
        PyErr_SetString(PyExc_ValueError, "no whole rows, or no such subjects, windows or durations");
    else if ((tally.counted = PyList_New(0)) != NULL)
        done = count_rows(&tally, rows.buf, rows.len / (Py_ssize_t)sizeof(Row));
    if (!done)
        Py_CLEAR(tally.counted);
    PyBuffer_Release(&rows);
    PyBuffer_Release(&edges);
    return tally.counted;
}
