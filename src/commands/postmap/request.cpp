#include "postmap/request.h"

#include "base/error.h"
#include "command/command.h"
#include "logging/log.h"

namespace postmap {

namespace {

void set_mode(Request& request, bool& chosen, Mode mode, const std::string& key = {}) {
  if (chosen) throw base::Fatal("specify only one of -d -i -q or -s");
  chosen = true;
  request.mode = mode;
  request.key = key;
}

}  // namespace

Request parse_request(std::span<char*> arguments, const Dialect& dialect) {
  const command::CommandLine line = command::parse(arguments, dialect.letters, dialect.usage);
  Request request;
  request.dialect = &dialect;
  table::Options& options = request.options;
  bool chosen = false;
  for (const auto& [letter, argument] : line.options) {
    switch (letter) {
      case 'b':
        request.body_keys = true;
        break;
      case 'c':
        request.config_directory = argument;
        break;
      case 'd':
        set_mode(request, chosen, Mode::remove, argument);
        break;
      case 'f':
        options.folding = table::Folding::none;
        break;
      case 'F':
        options.values_are_files = true;
        break;
      case 'h':
        request.header_keys = true;
        break;
      case 'i':
        set_mode(request, chosen, Mode::incremental);
        break;
      case 'j':
        request.json = true;
        break;
      case 'm':
        request.mime = true;
        break;
      case 'n':
        options.nul = table::NulForm::never;
        break;
      case 'N':
        options.nul = table::NulForm::always;
        break;
      case 'o':
        request.keep_root = true;
        break;
      case 'p':
        request.inherit_mode = false;
        break;
      case 'q':
        set_mode(request, chosen, Mode::query, argument);
        break;
      case 'r':
        options.replace_duplicates = true;
        options.ignore_duplicates = false;
        break;
      case 's':
        set_mode(request, chosen, Mode::list);
        break;
      case 'u':
        options.utf8 = false;
        break;
      case 'U':
        request.force_utf8 = true;
        break;
      case 'v':
        ++request.verbosity;
        break;
      case 'w':
        options.ignore_duplicates = true;
        options.replace_duplicates = false;
        break;
      default:
        throw base::Fatal(std::string(dialect.usage));
    }
  }
  request.tables = line.operands;
  const bool message_options = request.reads_message() || request.mime;
  if (message_options && !(request.mode == Mode::query && request.reads_keys())) {
    throw base::Fatal("specify -b -h or -m only with \"-q -\"");
  }
  if (request.json && request.mode != Mode::query && request.mode != Mode::list) {
    throw base::Fatal("specify -j only with -q or -s");
  }
  if (request.mime && !request.reads_message()) {
    logging::warning("postmap.mime_without_message", "ignoring -m option without -b or -h");
  }
  if (request.tables.empty()) throw base::Fatal(std::string(dialect.usage));
  // A message may be in any character set.
  if (request.reads_message() && !request.force_utf8) options.utf8 = false;
  return request;
}

}  // namespace postmap
