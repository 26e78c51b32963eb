#include "master/log_pipe.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "logging/destinations.h"
#include "logging/line_pipe.h"

namespace master {

namespace {

constexpr int kSize = 1024 * 1024;  // some thousand lines; what the kernel allows to anyone
constexpr int kSmallest = 128 * 1024;

}  // namespace

std::expected<void, base::Error> LogPipe::make() {
  if (is_there()) return {};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return std::unexpected(base::errno_error("pipe"));
  reading_.reset(ends[0]);
  writing_.reset(ends[1]);
  for (int size = kSize; size >= kSmallest && ::fcntl(ends[1], F_SETPIPE_SZ, size) < 0; size /= 2) {
  }
  return {};
}

bool LogPipe::write_out(const logging::Setup& log) const {
  if (!is_there()) return true;
  logging::PipeReader reader(reading());
  if (log.file.empty()) {
    const auto pass_on = [](std::string_view line) { logging::info("master.log_line", "{text}", {{"text", line}}); };
    reader.take_all(pass_on, [] {});
    reader.give_up_rest(pass_on);
    return true;
  }
  int size = 0;
  if (::ioctl(reading(), FIONREAD, &size) == 0 && size == 0) return true;
  const auto file = logging::open_log_file(log.file, log.file_mode);
  if (!file) return false;  // nor can anyone be told
  std::string lines;
  const auto add = [&](std::string_view line) {
    lines += logging::line_of(line, log.file_form, logging::identity());
    lines += '\n';
  };
  const auto store = [&] {
    (void)base::write_fully(file->get(), lines, log.file);
    lines.clear();
  };
  reader.take_all(add, store);
  reader.give_up_rest(add);
  if (!lines.empty()) store();
  return true;
}

}  // namespace master
