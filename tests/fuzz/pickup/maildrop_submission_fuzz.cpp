// A maildrop file. The first byte says whether it is ours (r) or a user's.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "logging/log.h"
#include "pickup/submission.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const logging::Capture silence;
  base::Fd fd(::memfd_create("maildrop", MFD_CLOEXEC));
  if (!fd || ::write(fd.get(), data + 1, size - 1) != static_cast<ssize_t>(size - 1)) return 0;
  const pickup::MaildropFile file{.fd = std::move(fd),
                                  .name = *queue::Id::parse("ABC"),
                                  .path = "maildrop/ABC",
                                  .uid = 1000,
                                  .time = 1795258990,
                                  .requeued = data[0] == 'r'};
  const pickup::SubmissionSettings settings{.content_filter = "f:x", .myhostname = "mx", .mail_name = "Postfix"};
  bool ended = false;
  const auto result = pickup::copy_submission(
      file, settings, "DEF", file.time, file.time,
      [&](queue::RecordType type, std::string_view text) {
        if (ended || (!file.requeued && text.size() > settings.line_length_limit)) std::abort();
        ended = type == queue::RecordType::end;
      },
      [](const pickup::Submitter&) {});
  if (result.has_value() != ended) std::abort();
  return 0;
}
