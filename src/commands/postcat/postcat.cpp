#include "postcat/postcat.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "command/command.h"
#include "config/config.h"
#include "config/param.h"
#include "logging/log.h"
#include "postcat/show.h"
#include "queue/spool.h"

namespace postcat {

namespace {

constexpr std::string_view kUsage =
    "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] [-e (envelope records)] [-f (file "
    "name)] "
    "[-h (header text)] [-o (record offsets)] [-q (access queue)] [-r (file order)] [-s offset] [-v] [file(s)...]";

Shown what_to_show(const command::CommandLine& line) {
  Shown shown;
  if (line.has('b') || line.has('e') || line.has('h')) {
    shown.envelope = line.has('e');
    shown.header = line.has('h');
    shown.body = line.has('b');
  }
  shown.offsets = line.has('o');
  shown.types = line.has('d');
  shown.names = line.has('f');
  shown.file_order = line.has('r');
  shown.every_record = line.has('v');
  if (const auto offset = line.last('s')) {
    const auto number = base::all_digits(*offset) ? base::to_long(*offset) : std::nullopt;
    if (!number) throw base::Fatal(fmt::format("bad offset: {}", *offset));
    shown.start = *number;
  }
  return shown;
}

void show_file(int fd, const std::string& name, const Shown& shown) {
  const auto result = show(fd, name, shown, [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);  // whose errors are asked for at the end
  });
  if (result) return;
  std::fflush(stdout);
  logging::warning("postcat.bad_record", "{problem}", {{"problem", result.error().text}});
  throw base::Fatal("record read error");
}

// Records may point anywhere, so a pipe's content is put where one can go back.
base::Fd standard_input() {
  if (::lseek(STDIN_FILENO, 0, SEEK_CUR) >= 0) return base::Fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  if (!file) throw base::Fatal(base::with_errno("create temporary file", errno));
  base::Fd copy(::fcntl(::fileno(file.get()), F_DUPFD_CLOEXEC, 3));
  char chunk[64 * 1024];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::Fatal(base::with_errno("read standard input", errno));
    if (got == 0) return copy;
    const auto written = base::write_fully(copy.get(), {chunk, static_cast<std::size_t>(got)}, "temporary file");
    if (!written) throw base::Fatal(written.error().text);
  }
}

base::Fd open_file(const std::string& path) {
  base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw base::Fatal(base::with_errno(fmt::format("open {}", path), errno));
  return fd;
}

struct QueueFile {
  base::Fd fd;
  std::string path;
};
// A message may be on its way from one folder to another, so a second look is taken.
QueueFile open_in_queue(const queue::Spool& spool, const std::string& name) {
  constexpr queue::Folder kFolders[] = {queue::Folder::maildrop, queue::Folder::incoming, queue::Folder::active,
                                        queue::Folder::deferred, queue::Folder::hold,     queue::Folder::saved};
  const auto id = queue::Id::parse(name);
  if (!id) throw base::Fatal(fmt::format("bad mail queue ID: {}", name));
  int reason = ENOENT;
  for (int pass = 0; pass < 3; ++pass) {
    for (const queue::Folder folder : kFolders) {
      std::string path = spool.path(folder, *id);
      base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
      if (fd) return {std::move(fd), std::move(path)};
      if (errno != ENOENT) reason = errno;
    }
  }
  throw base::Fatal(base::with_errno(fmt::format("open queue file {}", name), reason));
}

queue::Spool enter_queue(const command::CommandLine& line) {
  config::Source source;
  source.directory = line.last('c').value_or("");
  source.process_name = "postcat";
  const auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  config->import_environment();
  const std::string& directory = (*config)[config::param::queue_directory];
  if (::chdir(directory.c_str()) != 0) throw base::Fatal(base::with_errno(fmt::format("chdir {}", directory), errno));
  return queue::Spool(queue::SpoolSettings::from(*config));
}

}  // namespace

int run(std::span<char*> arguments) {
  const auto line = command::parse(arguments, "bc:defhoqrs:v", kUsage);
  for (const auto& option : line.options) {
    if (option.letter == 'v') logging::set_verbosity(logging::verbosity() + 1);
  }
  const Shown shown = what_to_show(line);
  if (line.has('q')) {
    const queue::Spool spool = enter_queue(line);
    for (const std::string& name : line.operands) {
      const QueueFile file = open_in_queue(spool, name);
      show_file(file.fd.get(), file.path, shown);
    }
  } else if (line.operands.empty()) {
    show_file(standard_input().get(), "stdin", shown);
  } else {
    for (const std::string& path : line.operands) show_file(open_file(path).get(), path, shown);
  }
  return 0;
}

}  // namespace postcat
