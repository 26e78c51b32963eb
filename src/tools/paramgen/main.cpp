// paramgen -D NAME=VALUE... --header FILE --table FILE --manual FILE PARAMS...

#include <sys/stat.h>

#include <cstdio>

#include "base/file.h"
#include "write.h"

namespace {

// A file that stays the same keeps its time, so that what depends on it is not built again.
void write_if_changed(const std::string& path, const std::string& content) {
  if (const auto old = base::read_file(path, 16 * 1024 * 1024); old && *old == content) return;
  auto file = base::ReplacementFile::create(path, {::geteuid(), ::getegid(), 0644});
  if (!file) throw std::runtime_error(file.error().text);
  if (auto written = base::write_fully(file->fd(), content, path); !written)
    throw std::runtime_error(written.error().text);
  if (auto done = file->commit(); !done) throw std::runtime_error(done.error().text);
}

struct Arguments {
  paramgen::Variables variables;
  std::string header;
  std::string table;
  std::string manual;
  std::vector<std::string> files;
};

Arguments arguments_of(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto next = [&] {
      if (++i == words.size()) throw std::runtime_error("a value is missing after " + words.back());
      return words[i];
    };
    if (words[i] == "-D") {
      const std::string definition = next();
      const auto equals = definition.find('=');
      if (equals == std::string::npos) throw std::runtime_error("expected -D NAME=VALUE, not " + definition);
      arguments.variables[definition.substr(0, equals)] = definition.substr(equals + 1);
    } else if (words[i] == "--header") {
      arguments.header = next();
    } else if (words[i] == "--table") {
      arguments.table = next();
    } else if (words[i] == "--manual") {
      arguments.manual = next();
    } else {
      arguments.files.push_back(words[i]);
    }
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments arguments = arguments_of({argv + 1, argv + argc});
    std::vector<paramgen::Entry> entries;
    for (const auto& file : arguments.files) {
      paramgen::read_params_file(file, arguments.variables, entries);
    }
    paramgen::sort_by_name(entries);
    if (!arguments.header.empty()) write_if_changed(arguments.header, paramgen::constants_header(entries));
    if (!arguments.table.empty()) write_if_changed(arguments.table, paramgen::registry_table(entries));
    if (!arguments.manual.empty()) write_if_changed(arguments.manual, paramgen::manual_page(entries));
    return 0;
  } catch (const std::exception& mistake) {
    std::fprintf(stderr, "paramgen: %s\n", mistake.what());
    return 1;
  }
}
