/* See emf.h. */
#include "core/aws/emf.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

#include "core/json/write.h"

enum { METRICS_KEPT = 256 };

/* The search begins at the first, so the common units come first. */
static const char *const units[] = {
    "Count",
    "Milliseconds",
    "None",
    "Bytes",
    "Seconds",
    "Microseconds",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
};

int emf_unit(const char *name) {
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(units[i], name) == 0) return (int)i;
  return -1;
}

/* FNV-1a: the names are the program's own, not an attacker's. */
static uint32_t hash_of(const char *name, size_t size) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)name[i]) * 16777619u;
  return hash;
}

/* The slot that holds the name, or the free one where it belongs. */
static uint32_t *find_slot(const emf_writer *writer, const char *name, size_t size) {
  size_t at = hash_of(name, size) & (writer->slot_count - 1);
  for (;; at = (at + 1) & (writer->slot_count - 1)) {
    uint32_t *slot = &writer->slots[at];
    if (*slot == 0) return slot;
    const emf_member *member = &writer->members[*slot - 1];
    if (member->name_size == size && memcmp(writer->names.data + member->name, name, size) == 0)
      return slot;
  }
}

static void fill_slots(emf_writer *writer) {
  memset(writer->slots, 0, writer->slot_count * sizeof *writer->slots);
  for (size_t i = 0; i < writer->member_count; i++) {
    const emf_member *member = &writer->members[i];
    *find_slot(writer, writer->names.data + member->name, member->name_size) = (uint32_t)i + 1;
  }
}

/* Keeps at least half of the slots free. */
static bool make_room(emf_writer *writer) {
  if (writer->member_count == writer->member_capacity) {
    size_t capacity = writer->member_capacity ? 2 * writer->member_capacity : 16;
    emf_member *members = realloc(writer->members, capacity * sizeof *members);
    if (!members) return false;
    writer->members = members;
    writer->member_capacity = capacity;
  }
  if (2 * (writer->member_count + 1) > writer->slot_count) {
    size_t count = writer->slot_count ? 2 * writer->slot_count : 32;
    uint32_t *slots = realloc(writer->slots, count * sizeof *slots);
    if (!slots) return false;
    writer->slots = slots;
    writer->slot_count = count;
    fill_slots(writer);
  }
  return true;
}

static emf_member *find_member(const emf_writer *writer, const char *name, size_t size) {
  if (writer->slot_count == 0) return NULL;
  uint32_t slot = *find_slot(writer, name, size);
  return slot ? &writer->members[slot - 1] : NULL;
}

static emf_member *add_member(emf_writer *writer, const char *name, size_t size, emf_use use) {
  emf_member member = {.name = writer->names.size, .name_size = size, .use = use};
  text_buffer_append(&writer->names, name, size);
  if (writer->names.failed || !make_room(writer)) {
    writer->failed = true;
    return NULL;
  }
  *find_slot(writer, name, size) = (uint32_t)writer->member_count + 1;
  writer->members[writer->member_count] = member;
  return &writer->members[writer->member_count++];
}

static size_t characters(const char *text, size_t size) {
  size_t count = 0;
  for (size_t i = 0; i < size; i++) count += ((unsigned char)text[i] & 0xC0) != 0x80;
  return count;
}

static bool is_quotable(const char *text, size_t size) {
  text_buffer scratch = {0};
  bool valid = json_write_string_utf8(&scratch, text, size);
  text_buffer_free(&scratch);
  return valid;
}

/* A name has one use. */
static const char *check_use(const emf_writer *writer, const char *name, size_t size) {
  if (size == 4 && memcmp(name, "_aws", 4) == 0) return "_aws belongs to the format";
  const emf_member *taken = find_member(writer, name, size);
  if (!taken) return NULL;
  return taken->use == EMF_DIMENSION  ? "a dimension has that name already"
         : taken->use == EMF_PROPERTY ? "a property has that name already"
                                      : "a metric has that name already";
}

static const char *check_name(const emf_writer *writer, const char *name, size_t size,
                              size_t most) {
  if (size == 0 || characters(name, size) > most) return "a name is empty or too long";
  if (!is_quotable(name, size)) return "a name is not valid UTF-8";
  return check_use(writer, name, size);
}

/* CloudWatch takes the printable part of ASCII, with something other than spaces in it. */
static bool is_dimension_text(const char *text, size_t size) {
  bool visible = false;
  for (size_t i = 0; i < size; i++) {
    if (text[i] < ' ' || text[i] > '~') return false;
    visible = visible || text[i] != ' ';
  }
  return visible;
}

/* A metric's name may be UTF-8. */
static bool is_metric_text(const char *text, size_t size) {
  bool visible = false;
  for (size_t i = 0; i < size; i++) {
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) return false;
    visible = visible || text[i] != ' ';
  }
  return visible;
}

const char *emf_begin(emf_writer *writer, const char *name_space, size_t size) {
  if (size == 0 || size > EMF_NAME) return "a namespace has 1 to 255 characters";
  for (size_t i = 0; i < size; i++) {
    char letter = (char)(name_space[i] | 0x20);
    bool plain = (letter >= 'a' && letter <= 'z') || (name_space[i] >= '0' && name_space[i] <= '9');
    if (!plain && (name_space[i] == 0 || !strchr(" ._#:/-", name_space[i])))
      return "a namespace has letters, digits, spaces and . _ # : / - only";
  }
  if (name_space[0] == ':') return "a namespace must not begin with a colon";
  text_buffer_text(&writer->head, ",\"CloudWatchMetrics\":[{\"Namespace\":");
  json_write_string_utf8(&writer->head, name_space, size);
  text_buffer_text(&writer->head, ",\"Dimensions\":[");
  return NULL;
}

void emf_begin_set(emf_writer *writer) {
  text_buffer_text(&writer->head, writer->set_count++ > 0 ? "],[" : "[");
  writer->set_size = 0;
}

const char *emf_dimension(emf_writer *writer, const char *name, size_t name_size, const char *value,
                          size_t value_size) {
  if (++writer->set_size > EMF_DIMENSIONS) return "a set has at most 30 dimensions";
  if (!is_dimension_text(value, value_size) || value_size > EMF_DIMENSION_VALUE)
    return "a dimension's value has 1 to 1024 printable ASCII characters, not all blank";
  if (!is_dimension_text(name, name_size) || name[0] == ':')
    return "a dimension's name is printable ASCII, not blank, and does not begin with a colon";
  const emf_member *known = find_member(writer, name, name_size);
  if (known) { /* an earlier set has it: both sets share one member */
    if (known->value_size != value_size ||
        memcmp(writer->names.data + known->value, value, value_size) != 0)
      return "a dimension has one value, the same in every set";
  } else {
    const char *wrong = check_name(writer, name, name_size, EMF_DIMENSION_NAME);
    if (wrong) return wrong;
    emf_member *member = add_member(writer, name, name_size, EMF_DIMENSION);
    if (!member) return NULL;
    member->value = writer->names.size;
    member->value_size = value_size;
    text_buffer_append(&writer->names, value, value_size);
    text_buffer_byte(&writer->context, ',');
    json_write_string_utf8(&writer->context, name, name_size);
    text_buffer_byte(&writer->context, ':');
    json_write_string_utf8(&writer->context, value, value_size);
  }
  if (writer->set_size > 1) text_buffer_byte(&writer->head, ',');
  json_write_string_utf8(&writer->head, name, name_size);
  return NULL;
}

void emf_end_sets(emf_writer *writer) {
  if (writer->set_count == 0) emf_begin_set(writer);
  text_buffer_text(&writer->head, "]],\"Metrics\":[");
  writer->fixed_count = writer->member_count;
}

const char *emf_property(emf_writer *writer, const char *name, size_t size) {
  const char *wrong = check_name(writer, name, size, EMF_CONTEXT);
  if (!wrong) add_member(writer, name, size, EMF_PROPERTY);
  return wrong;
}

bool emf_has_property(const emf_writer *writer, const char *name, size_t size) {
  const emf_member *member = find_member(writer, name, size);
  return member && member->use == EMF_PROPERTY;
}

const char *emf_end_properties(emf_writer *writer, const char *json, size_t size) {
  if (size > 2) { /* the members of {…} */
    text_buffer_byte(&writer->context, ',');
    text_buffer_append(&writer->context, json + 1, size - 2);
  }
  writer->fixed_count = writer->member_count;
  if (writer->context.size > EMF_CONTEXT)
    return "dimensions and properties have more than 256 KB together";
  return NULL;
}

void emf_free(emf_writer *writer) {
  for (size_t i = 0; i < writer->member_count; i++) free(writer->members[i].values);
  free(writer->members);
  free(writer->slots);
  text_buffer_free(&writer->head);
  text_buffer_free(&writer->context);
  text_buffer_free(&writer->names);
  *writer = (emf_writer){0};
}

static void define_metric(emf_writer *writer, emf_member *member, const char *name, size_t size) {
  text_buffer *names = &writer->names;
  member->definition = names->size;
  text_buffer_text(names, "{\"Name\":");
  json_write_string_utf8(names, name, size);
  text_buffer_text(names, ",\"Unit\":\"");
  text_buffer_text(names, units[member->unit]);
  text_buffer_text(names, member->resolution == 1 ? "\",\"StorageResolution\":1}" : "\"}");
  member->definition_size = names->size - member->definition;
}

const char *emf_metric(emf_writer *writer, const char *name, size_t size, int unit, int resolution,
                       size_t *metric) {
  emf_member *member = find_member(writer, name, size);
  if (member && member->use == EMF_METRIC) {
    if (member->unit != unit || member->resolution != resolution)
      return "the metric has another unit or resolution already";
  } else {
    const char *wrong = check_name(writer, name, size, EMF_NAME);
    if (wrong) return wrong;
    if (!is_metric_text(name, size))
      return "a metric's name has no control characters, and is not blank";
    member = add_member(writer, name, size, EMF_METRIC);
    if (!member) return NULL;
    member->unit = unit;
    member->resolution = resolution;
    define_metric(writer, member, name, size);
  }
  *metric = (size_t)(member - writer->members);
  return NULL;
}

bool emf_find_metric(const emf_writer *writer, const char *name, size_t size, int unit,
                     int resolution, size_t *metric) {
  const emf_member *member = find_member(writer, name, size);
  if (!member || member->use != EMF_METRIC) return false;
  *metric = (size_t)(member - writer->members);
  return member->unit == unit && member->resolution == resolution;
}

void emf_value(emf_writer *writer, size_t metric, double value) {
  emf_member *member = &writer->members[metric];
  if (member->count == member->capacity) {
    size_t capacity = member->capacity ? 2 * member->capacity : 4;
    double *values = realloc(member->values, capacity * sizeof *values);
    if (!values) {
      writer->failed = true;
      return;
    }
    member->values = values;
    member->capacity = capacity;
  }
  member->values[member->count++] = value;
}

static void write_number(text_buffer *out, double value) {
  if (floor(value) == value && fabs(value) < 1e15)
    json_write_integer(out, (int64_t)value);
  else
    json_write_double(out, value);
}

static void write_values(const emf_writer *writer, const emf_member *member, text_buffer *line) {
  text_buffer_byte(line, ',');
  json_write_string_utf8(line, writer->names.data + member->name, member->name_size);
  text_buffer_byte(line, ':');
  if (member->taken > 1) text_buffer_byte(line, '[');
  for (size_t i = 0; i < member->taken; i++) {
    if (i > 0) text_buffer_byte(line, ',');
    write_number(line, member->values[member->first + i]);
  }
  if (member->taken > 1) text_buffer_byte(line, ']');
}

/* Settles which values the line takes: of the first 100 metrics that have some, 100 each. */
static size_t take(emf_writer *writer) {
  size_t metrics = 0;
  for (size_t i = writer->fixed_count; i < writer->member_count; i++) {
    emf_member *member = &writer->members[i];
    size_t waiting = member->count - member->first;
    member->taken = metrics == EMF_METRICS ? 0 : waiting < EMF_VALUES ? waiting : EMF_VALUES;
    metrics += member->taken > 0;
  }
  return metrics;
}

bool emf_line(emf_writer *writer, int64_t timestamp, const char *properties, size_t size,
              text_buffer *line) {
  if (take(writer) == 0) return false;
  line->size = 0;
  text_buffer_text(line, "{\"_aws\":{\"Timestamp\":");
  json_write_integer(line, timestamp);
  text_buffer_append(line, writer->head.data, writer->head.size);
  bool first = true;
  for (size_t i = writer->fixed_count; i < writer->member_count; i++) {
    const emf_member *member = &writer->members[i];
    if (member->taken == 0) continue;
    if (!first) text_buffer_byte(line, ',');
    first = false;
    text_buffer_append(line, writer->names.data + member->definition, member->definition_size);
  }
  text_buffer_text(line, "]}]}");
  text_buffer_append(line, writer->context.data, writer->context.size);
  if (size > 2) { /* the members of {…} */
    text_buffer_byte(line, ',');
    text_buffer_append(line, properties + 1, size - 2);
  }
  for (size_t i = writer->fixed_count; i < writer->member_count; i++)
    if (writer->members[i].taken > 0) write_values(writer, &writer->members[i], line);
  text_buffer_text(line, "}\n");
  writer->failed = writer->failed || line->failed || writer->head.failed ||
                   writer->context.failed || writer->names.failed;
  return !writer->failed;
}

/* Forgets all metrics, when their names vary without end. Kept metrics only save making their text.
 */
static void forget_metrics(emf_writer *writer) {
  size_t names = writer->members[writer->fixed_count].name;
  for (size_t i = writer->fixed_count; i < writer->member_count; i++)
    free(writer->members[i].values);
  writer->member_count = writer->fixed_count;
  writer->names.size = names;
  fill_slots(writer);
}

void emf_taken(emf_writer *writer) {
  bool waiting = false;
  for (size_t i = writer->fixed_count; i < writer->member_count; i++) {
    emf_member *member = &writer->members[i];
    member->first += member->taken;
    member->taken = 0;
    if (member->first == member->count) member->first = member->count = 0;
    waiting = waiting || member->count > 0;
  }
  if (!waiting && writer->member_count - writer->fixed_count > METRICS_KEPT) forget_metrics(writer);
}

int emf_write(int descriptor, const text_buffer *line) {
  for (size_t done = 0; done < line->size;) {
    ssize_t written = write(descriptor, line->data + done, line->size - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    done += (size_t)written;
  }
  return 0;
}
