#include "postlogd/postlogd.h"

#include <sys/stat.h>

#include "base/error.h"
#include "command/open_logging.h"
#include "logging/destinations.h"
#include "postlogd/log_writer.h"

namespace postlogd {

namespace {

class ToFile : public service::Server {
 public:
  ToFile(base::Fd fd, const logging::Setup& setup)
      : writer_(std::move(fd)), path_(setup.file), form_(setup.file_form) {}

  void datagram(std::string_view text) override { writer_.append(line_of(text, form_, logging::identity())); }
  void no_more_datagrams() override { writer_.flush(); }

  // The file has been rotated: whoever starts us next opens the new one, as root where it takes root.
  std::string stale() override {
    if (path_ == "/dev/stdout") return {};
    writer_.flush();
    struct stat at_path{};
    struct stat opened{};
    if (::fstat(writer_.fd(), &opened) != 0) return {};
    if (::stat(path_.c_str(), &at_path) != 0) return errno == ENOENT ? path_ : std::string();
    return at_path.st_ino == opened.st_ino && at_path.st_dev == opened.st_dev ? std::string() : path_;
  }

 private:
  LogWriter writer_;
  std::string path_;
  logging::Form form_;
};

// No maillog_file: this program's own log is where a stranger's lines go, too.
class ToSyslog : public service::Server {
 public:
  void datagram(std::string_view text) override { logging::info("postlogd.text", "{text}", {{"text", text}}); }
};

}  // namespace

std::unique_ptr<service::Server> open(const service::Context& context) {
  const logging::Setup setup = command::logging_setup(context.config, context.program);
  if (setup.file.empty()) return std::make_unique<ToSyslog>();
  auto fd = logging::open_log_file(setup.file, setup.file_mode);
  if (!fd) throw base::Fatal(fd.error().text);
  return std::make_unique<ToFile>(std::move(*fd), setup);
}

}  // namespace postlogd
