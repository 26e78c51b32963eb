#include "postmap/query.h"

#include <unistd.h>

#include "base/error.h"
#include "config/param.h"
#include "logging/log.h"
#include "postmap/input.h"
#include "postmap/message_keys.h"
#include "postmap/output.h"
#include "table/source_files.h"

namespace postmap {

namespace {

std::unique_ptr<table::Table> must_open(const std::string& name, const table::Settings& settings,
                                        const table::Options& options) {
  // Only where tables are made may the type be left out silently; its name must not be empty anywhere.
  const auto [type, path] = table::split_name(name, settings);
  auto table = table::open(fmt::format("{}:{}", type, path), settings, options);
  if (!table) throw base::Fatal(table.error().text);
  return std::move(*table);
}

// postmap -F: what the table holds is files. Nothing when it is not, after a warning.
std::optional<std::string> decoded(const table::Table& table, std::string_view key, std::string_view value) {
  auto content = table::decode_files(value);
  if (!content) {
    logging::warning("postmap.value_not_base64", "table {table}: key {key}: malformed BASE64 value: {value}",
                     {{"table", table.name()}, {"key", key}, {"value", value.substr(0, 100)}});
  }
  return content;
}

// Other programs take an empty result for an error; who tests a table by hand shall hear of it.
void warn_of_empty(const table::Table& table, std::string_view key) {
  logging::warning("postmap.empty_result", "table {table}: key {key}: empty string result is not allowed",
                   {{"table", table.name()}, {"key", key}});
  logging::warning("postmap.empty_result", "table {table} should return NO RESULT in case of NOT FOUND",
                   {{"table", table.name()}});
}

class Tables {
 public:
  Tables(const Request& request, const config::Config& config)
      : request_(request), settings_(table::Settings::from(config)), tables_(request.tables.size()) {}

  // Tables are opened when the first key gets as far as them.
  std::optional<std::string> lookup(std::string_view key) {
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      if (!tables_[i]) tables_[i] = must_open(request_.tables[i], settings_, request_.options);
      auto answer = tables_[i]->lookup(key);
      if (!answer) throw base::Fatal(answer.error().text);
      if (!*answer) continue;
      if ((*answer)->empty() && !request_.reads_message()) warn_of_empty(*tables_[i], key);
      if (!request_.options.values_are_files) return std::move(*answer);
      auto content = decoded(*tables_[i], key, **answer);
      if (!content) throw base::Fatal("table " + tables_[i]->name() + ": query error");
      return content;
    }
    return std::nullopt;
  }

 private:
  const Request& request_;
  table::Settings settings_;
  std::vector<std::unique_ptr<table::Table>> tables_;
};

MessageLimits limits_of(const config::Config& config) {
  namespace param = config::param;
  return {.header_size = static_cast<std::size_t>(config[param::header_size_limit]),
          .nesting = static_cast<std::size_t>(config[param::mime_nesting_limit]),
          .boundary = static_cast<std::size_t>(config[param::mime_boundary_length_limit])};
}

}  // namespace

int query_tables(const Request& request, const config::Config& config) {
  Tables tables(request, config);
  Output output(request.json ? Output::Form::json : Output::Form::text, request.dialect->separator);
  if (!request.reads_keys()) {
    const auto value = tables.lookup(request.key);
    if (!value) return 1;
    if (request.json) {
      output.entry(request.key, *value);
    } else {
      output.value(*value);
    }
    return 0;
  }
  bool found = false;
  const auto ask = [&](std::string_view key) {
    const auto value = tables.lookup(key);
    if (!value) return;
    found = true;
    output.entry(key, *value);
  };
  KeyLines lines(STDIN_FILENO);
  if (request.reads_message()) {
    MessageKeys keys({request.header_keys, request.body_keys, request.mime}, limits_of(config), ask);
    while (const auto line = lines.next()) keys.line(*line);
    keys.end();
  } else {
    while (const auto line = lines.next()) ask(*line);
  }
  return found ? 0 : 1;
}

int list_table(const Request& request, const config::Config& config) {
  const auto settings = table::Settings::from(config);
  const auto table = must_open(request.tables.front(), settings, request.options);
  Output output(request.json ? Output::Form::json : Output::Form::text, request.dialect->separator);
  auto listed = table->for_each([&](const table::Entry& entry) {
    if (!request.options.values_are_files) {
      output.entry(entry.first, entry.second);
    } else if (const auto content = decoded(*table, entry.first, entry.second)) {
      output.entry(entry.first, *content);
    }
    return true;
  });
  if (!listed) throw base::Fatal(listed.error().text);
  return 0;
}

}  // namespace postmap
