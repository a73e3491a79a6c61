/* What a line of the conductor says: the messages of handlers.formats.conductor.MESSAGES, bounded as there. */
#include "conductor.h"

#include <stdint.h>
#include <string.h>

enum { MAX_TEXT = 500, MAX_DIGITS = 9, WORD = sizeof(uint64_t) };

#define RESTART "🎼 Initializing RenderX Evolution Communication System"
#define IS_NEXT(at, end, literal) is_next(at, end, literal, sizeof(literal) - 1)

static bool is_next(Place at, Place end, const char *literal, Py_ssize_t length)
{
    return end - at >= length && memcmp(at, literal, length) == 0;
}

bool is_restart(Place at, Place end)
{
    return IS_NEXT(at, end, RESTART);
}

bool is_space(unsigned char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

static Place after_digits(Place at, Place end, int most)
{
    while (at < end && most-- > 0 && is_digit(*at))
        at++;
    return at;
}

/* Where the longest text from `at` on can end: at most so many bytes further. */
static Place furthest(Place at, Place end)
{
    return end - at > MAX_TEXT ? at + MAX_TEXT : end;
}

/* The last place from `at` on, within reach of a text, where the literal stands; NULL if there is none. */
static Place last_of(Place at, Place end, const char *literal, Py_ssize_t length)
{
    for (Place found = furthest(at, end); found >= at; found--)
        if (found < end && *found == (unsigned char)literal[0] && is_next(found, end, literal, length))
            return found;
    return NULL;
}

/* Each reader gets the place behind the first words of its message, and tells whether it is one. */

/* <name>" */
static bool read_executing(Place at, Place end, Message *message)
{
    Place quote = last_of(at, end, "\"", 1);
    message->text = (Text){at, quote};
    return quote != NULL;
}

/* <request id> */
static bool read_request(Place at, Place end, Message *message)
{
    Place last = at, most = furthest(at, end);
    while (last < most && !is_space(*last))
        last++;
    message->text = (Text){at, last};
    return last > at;
}

/* <number> Started: <title> (<event>) */
static bool read_started(Place at, Place end, Message *message)
{
    Place digits = after_digits(at, end, MAX_DIGITS);
    message->number = (Text){at, digits};
    if (digits == at || !IS_NEXT(digits, end, " Started: "))
        return false;
    Place title = digits + sizeof(" Started: ") - 1;
    for (Place open = furthest(title, end); open >= title; open--) {
        if (open == end || *open != '(')
            continue;
        Place event = open + 1, most = furthest(event, end), close = event;
        while (close < most && *close != '(' && *close != ')')
            close++;
        message->text = (Text){event, close};
        if (close > event && close < end && *close == ')')
            return true;
    }
    return false;
}

/* <number> completed in <duration>ms */
static bool read_duration(Place at, Place end, Message *message)
{
    Place digits = after_digits(at, end, MAX_DIGITS);
    if (digits == at || !IS_NEXT(digits, end, " completed in "))
        return false;
    Place whole = digits + sizeof(" completed in ") - 1, last = after_digits(whole, end, 2 * MAX_DIGITS);
    if (last < end && *last == '.') {
        if (last - whole > MAX_DIGITS)
            return false;
        message->duration.start = whole;
        message->duration.end = after_digits(last + 1, end, MAX_DIGITS);
    } else {
        message->duration = (Text){whole, last};
    }
    return last > whole && IS_NEXT(message->duration.end, end, "ms");
}

/* <number> (<event>) completed in <duration>ms */
static bool read_executed(Place at, Place end, Message *message)
{
    static const char completed[] = ") completed in ";
    const Py_ssize_t length = sizeof(completed) - 1;
    Place digits = after_digits(at, end, MAX_DIGITS);
    message->number = (Text){at, digits};
    if (digits == at || !IS_NEXT(digits, end, " ("))
        return false;
    Place event = digits + 2;
    for (Place close = last_of(event, end, completed, length); close != NULL;) {
        Place last = after_digits(close + length, end, MAX_DIGITS);
        message->text = (Text){event, close};
        if (last > close + length && IS_NEXT(last, end, "ms"))
            return true;
        do
            close = close > event ? close - 1 : NULL;
        while (close != NULL && !is_next(close, end, completed, length));
    }
    return false;
}

/* <name>" completed */
static bool read_ended(Place at, Place end, Message *message)
{
    (void)message;
    return last_of(at, end, "\" completed", sizeof("\" completed") - 1) != NULL;
}

#define FORM(words, kind, read) {words, sizeof(words) - 1, kind, read}

struct Form {
    const char *words;
    Py_ssize_t length;
    Kind kind;
    bool (*read)(Place at, Place end, Message *message);
};

static const Form forms[] = {
    FORM("🎼 ExecutionQueue: Now executing \"", EXECUTING, read_executing),
    FORM("🆔 Request ID: ", REQUEST, read_request),
    FORM("🎵 Beat ", STARTED, read_started),
    FORM("⏱️ PerformanceTracker: Beat ", DURATION, read_duration),
    FORM("✅ BeatExecutor: Beat ", EXECUTED, read_executed),
    FORM("✅ SequenceExecutor: Sequence \"", ENDED, read_ended),
    FORM("🛑 SequenceExecutor: Stopping", OTHER, NULL),
    FORM("🧠 PluginManager: Handler execution failed for ", OTHER, NULL),
    FORM("❌ BeatExecutor: Beat ", OTHER, NULL),
    FORM("❌ SequenceExecutor: Sequence \"", OTHER, NULL),
    FORM("🎼 SequenceRegistry: Registered sequence \"", OTHER, NULL),
    FORM("📡 EventBus: Subscribed to \"", OTHER, NULL),
    FORM(RESTART, OTHER, NULL),
};

const Form *form_at(Place at, Place end)
{
    uint64_t found, words;
    if (end - at < WORD)
        return NULL;
    memcpy(&found, at, WORD);
    for (const Form *form = forms; form < forms + sizeof(forms) / sizeof(forms[0]); form++) {
        memcpy(&words, form->words, WORD); /* none is shorter: nearly all lines are told apart by it */
        if (found == words && is_next(at, end, form->words, form->length))
            return form;
    }
    return NULL;
}

Message read_message(const Form *form, Place at, Place end)
{
    Message message = {.kind = form->kind};
    if (form->read != NULL && !form->read(at + form->length, end, &message))
        message.kind = NONE;
    return message;
}
