// A message through cleanup's rules. The first line says the flags; the rest is records, one a line ("S joe@x"), or,
// when the first line ends in "!", the bytes of the stream themselves.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "cleanup/message.h"
#include "cleanup/record_view.h"
#include "logging/log.h"

namespace {

struct Rules {
  config::Config config;
  cleanup::Settings settings;
  cleanup::Tables tables;
  Rules()
      : config(*config::Config::from_text(
            "compatibility_level = 3.6\nmyhostname = mx.fmt.test\nmyorigin = fmt.test\nmydestination = fmt.test\n"
            "inet_interfaces = 127.0.0.1\nmynetworks = 127.0.0.0/8\nmessage_size_limit = 100000\n"
            "header_size_limit = 1000\ndelay_warning_time = 1h\nalways_bcc = all\nmessage_strip_characters = ~\n"
            "virtual_alias_maps = inline:{{a=b, c}, {b=a@x}}\ncanonical_maps = inline:{c=d@y}\n"
            "masquerade_domains = m.test\nundisclosed_recipients_header = To: u:;\n",
            {.process_name = "cleanup"})),
        settings(config),
        tables(config) {}
};

std::string stream_of(std::string_view text, bool raw) {
  if (raw) return std::string(text);
  std::string bytes;
  for (const std::string_view line : base::split(text, "\n")) {
    std::string_view data = line.substr(1);
    if (data.starts_with(' ')) data.remove_prefix(1);
    queue::append_record(bytes, static_cast<queue::RecordType>(line[0]), data);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Rules rules;
  const logging::Capture silence;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string_view first = all.substr(0, all.find('\n'));
  const std::string_view rest = first.size() < all.size() ? all.substr(first.size() + 1) : std::string_view();
  const int flags = static_cast<int>(base::to_unsigned(first.substr(0, first.find('!'))).value_or(178) & 1023);
  const std::string stream = stream_of(rest, first.ends_with('!'));

  cleanup::MemoryOutput output;
  cleanup::Transaction transaction(rules.settings, rules.tables, output, "ABC123", {1795258990, 5}, flags);
  cleanup::Message message(transaction);
  message.take(stream);

  // Whatever came in, what comes out is records.
  std::string_view written = output.records();
  while (!written.empty())
    if (!cleanup::take_record(written)) std::abort();
  if (message.ended() && transaction.status == 0 && (flags & client::cleanup_flag::kDiscard) == 0 &&
      (!transaction.has_sender || !transaction.has_arrival || transaction.recipients == 0) &&
      (transaction.flags & client::cleanup_flag::kDiscard) == 0)
    std::abort();
  return 0;
}
