// TOML documents as a list of values, each with where it stands. The parser is toml++; this is the only place that sees it.
#ifndef CTOML_H
#define CTOML_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum mh_toml_kind {
  MH_TOML_TABLE,
  MH_TOML_ARRAY,
  MH_TOML_STRING,
  MH_TOML_INTEGER,
  MH_TOML_BOOLEAN,
  MH_TOML_FLOAT,
  // A date, a time, or both.
  MH_TOML_TIME,
};

// Where something begins: lines and columns count from 1, columns in code points.
struct mh_toml_place {
  uint32_t line;
  uint32_t column;
};

// A value; those of a table or an array follow it, each with its own behind it.
struct mh_toml_value {
  enum mh_toml_kind kind;
  struct mh_toml_place place;
  // Its key, UTF-8, and where that stands; nothing where the value is the document or an array's.
  const char *key;
  size_t key_length;
  struct mh_toml_place key_place;
  // A string's text, UTF-8.
  const char *text;
  size_t text_length;
  // An integer; 0 or 1 for a boolean.
  int64_t number;
  // How many values a table or an array holds by itself.
  size_t count;
};

struct mh_toml_document;

// Reads a document; NULL for want of memory. To be freed.
struct mh_toml_document *mh_toml_read(const void *text, size_t length);

void mh_toml_free(struct mh_toml_document *document);

// The values, the document's table first; none after an error. They live as long as the document.
const struct mh_toml_value *mh_toml_values(const struct mh_toml_document *document, size_t *count);

// What is wrong with the document, and where; NULL when nothing is. Line 0 where the parser does not know the place.
const char *mh_toml_error(const struct mh_toml_document *document, struct mh_toml_place *place);

#ifdef __cplusplus
}
#endif

#endif
