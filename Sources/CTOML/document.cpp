#include "CTOML.h"

#include <exception>
#include <new>
#include <string>
#include <vector>

// What the parser takes to be impossible is not always: 3.3.0 stumbles over "[[ =". A file must not end the process.
struct bewildered : std::exception {};

#define TOML_ASSERT(condition) \
  do { \
    if (!(condition)) throw bewildered(); \
  } while (false)
#define TOML_EXCEPTIONS 1
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

struct mh_toml_document {
  // What the values' texts point into.
  toml::table table;
  std::vector<mh_toml_value> values;
  std::string error;
  mh_toml_place error_place = {};
  bool has_error = false;
};

static mh_toml_place begin(const toml::source_region &region) { return {region.begin.line, region.begin.column}; }

static void append(mh_toml_document &to, const toml::key *key, const toml::node &node);

static void append_contents(mh_toml_document &to, const toml::node &node) {
  if (const auto *table = node.as_table()) {
    for (const auto &[key, value] : *table) append(to, &key, value);
  } else if (const auto *array = node.as_array()) {
    for (const auto &value : *array) append(to, nullptr, value);
  }
}

static void fill(mh_toml_value &value, const toml::node &node) {
  switch (node.type()) {
    case toml::node_type::table:
      value.kind = MH_TOML_TABLE;
      value.count = node.as_table()->size();
      break;
    case toml::node_type::array:
      value.kind = MH_TOML_ARRAY;
      value.count = node.as_array()->size();
      break;
    case toml::node_type::string: {
      const std::string &text = node.as_string()->get();
      value.kind = MH_TOML_STRING;
      value.text = text.data();
      value.text_length = text.size();
      break;
    }
    case toml::node_type::integer:
      value.kind = MH_TOML_INTEGER;
      value.number = node.as_integer()->get();
      break;
    case toml::node_type::boolean:
      value.kind = MH_TOML_BOOLEAN;
      value.number = node.as_boolean()->get();
      break;
    case toml::node_type::floating_point: value.kind = MH_TOML_FLOAT; break;
    default: value.kind = MH_TOML_TIME; break;
  }
}

static void append(mh_toml_document &to, const toml::key *key, const toml::node &node) {
  mh_toml_value value = {};
  value.place = begin(node.source());
  if (key) {
    value.key = key->str().data();
    value.key_length = key->str().size();
    value.key_place = begin(key->source());
  }
  fill(value, node);
  to.values.push_back(value);
  append_contents(to, node);
}

static void fill(mh_toml_document &document, std::string_view text) {
  try {
    document.table = toml::parse(text);
    append(document, nullptr, document.table);
  } catch (const toml::parse_error &error) {
    document.has_error = true;
    document.error = std::string(error.description());
    document.error_place = begin(error.source());
  } catch (const bewildered &) {
    document.has_error = true;
    document.error = "something that the parser has no name for";
  }
}

mh_toml_document *mh_toml_read(const void *text, size_t length) {
  mh_toml_document *document = nullptr;
  try {
    document = new mh_toml_document;
    fill(*document, std::string_view(static_cast<const char *>(text), length));
    return document;
  } catch (const std::bad_alloc &) {
    delete document;
    return nullptr;
  }
}

void mh_toml_free(mh_toml_document *document) { delete document; }

const mh_toml_value *mh_toml_values(const mh_toml_document *document, size_t *count) {
  *count = document->values.size();
  return document->values.data();
}

const char *mh_toml_error(const mh_toml_document *document, mh_toml_place *place) {
  if (!document->has_error) return nullptr;
  *place = document->error_place;
  return document->error.c_str();
}
