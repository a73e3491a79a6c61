/* The messages of a run of the conductor, as conductor_messages.c reads them for conductor_runs.c. */
#ifndef SELFHEALD_CONDUCTOR_H
#define SELFHEALD_CONDUCTOR_H

#include "speedups.h"

#include <stdbool.h>

typedef const unsigned char *Place;

typedef struct {
    Place start, end;
} Text;

/* In the order in which the messages of a run come, and any other message. */
typedef enum { EXECUTING, REQUEST, STARTED, DURATION, EXECUTED, ENDED, OTHER, NONE } Kind;

typedef struct {
    Kind kind;
    Text text;       /* name of the sequence, request id, or event of a beat */
    Text number;     /* of a beat */
    Text duration;   /* in milliseconds */
} Message;

typedef struct Form Form;

/* The form whose first words stand at `at`; NULL if there is none. */
const Form *form_at(Place at, Place end);

/* The message at `at` in a line that ends at `end`; NONE if no more than its first words are of this form. Of one
   that belongs to no usual run, OTHER, only they are compared: whether it is whole, the regular expression tells. */
Message read_message(const Form *form, Place at, Place end);

/* Whether the program starts again here. */
bool is_restart(Place at, Place end);

bool is_space(unsigned char byte);
bool is_digit(unsigned char byte);

#endif
