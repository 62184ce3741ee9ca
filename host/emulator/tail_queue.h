/* Doubly linked lists that know their end, as BSD's <sys/queue.h> has them, which musl lacks.
 * The links are inside the elements, so an element is put in and taken out without a search.
 *
 *   TAILQ_HEAD(, element) list;                    in the owner
 *   TAILQ_ENTRY(element) link;                     in struct element
 *   TAILQ_FOREACH(variable, &list, link) …         the body must not take the element out
 *
 * An entry's `previous` is the address of the pointer that points to the element: the `next` of the
 * one before it, or the list's `first`. Memory: the elements' owner's. */
#ifndef WEIR_EMULATOR_TAIL_QUEUE_H
#define WEIR_EMULATOR_TAIL_QUEUE_H

#include <stddef.h>

#define TAILQ_HEAD(name, type)                                                                     \
  struct name {                                                                                    \
    struct type *first, **end;                                                                     \
  }

#define TAILQ_ENTRY(type)                                                                          \
  struct {                                                                                         \
    struct type *next, **previous;                                                                 \
  }

#define TAILQ_FIRST(list) ((list)->first)
#define TAILQ_EMPTY(list) (TAILQ_FIRST(list) == NULL)
#define TAILQ_NEXT(element, link) ((element)->link.next)

#define TAILQ_FOREACH(variable, list, link)                                                        \
  for ((variable) = TAILQ_FIRST(list); (variable); (variable) = TAILQ_NEXT(variable, link))

#define TAILQ_INIT(list)                                                                           \
  do {                                                                                             \
    (list)->first = NULL;                                                                          \
    (list)->end = &(list)->first;                                                                  \
  } while (0)

#define TAILQ_INSERT_TAIL(list, element, link)                                                     \
  do {                                                                                             \
    (element)->link.next = NULL;                                                                   \
    (element)->link.previous = (list)->end;                                                        \
    *(list)->end = (element);                                                                      \
    (list)->end = &(element)->link.next;                                                           \
  } while (0)

#define TAILQ_REMOVE(list, element, link)                                                          \
  do {                                                                                             \
    if ((element)->link.next)                                                                      \
      (element)->link.next->link.previous = (element)->link.previous;                              \
    else                                                                                           \
      (list)->end = (element)->link.previous;                                                      \
    *(element)->link.previous = (element)->link.next;                                              \
  } while (0)

#endif
