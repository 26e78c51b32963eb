// A message on its way through sendmail: no byte of the text gets lost, however it is cut.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sendmail/header_scan.h"
#include "sendmail/text_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = [&](std::size_t step, const sendmail::TextReader::Rules& rules, bool search) {
    std::string_view rest = text;
    sendmail::TextReader reader(
        [&](char* buffer, std::size_t room) {
          const std::string_view portion = rest.substr(0, std::min(step, room));
          std::copy(portion.begin(), portion.end(), buffer);
          rest.remove_prefix(portion.size());
          return portion.size();
        },
        rules);
    std::string whole;
    const auto put = [&](sendmail::Piece piece) {
      if (piece.text.size() > rules.longest_piece || piece.text.contains('\n')) std::abort();
      whole += piece.text;
      if (piece.ends_line) whole += '\n';
    };
    sendmail::HeaderScan scan(1000, rules.longest_piece, put);
    bool understood = true;
    while (const auto piece = reader.next()) {
      if (!search) {
        put(*piece);
      } else if (!scan.take(*piece)) {
        understood = false;
        break;
      }
    }
    if (search && understood && scan.finish()) {
      for (const std::string& recipient : scan.recipients()) {
        if (recipient.find_first_of(std::string_view("\0\n\r", 3)) != std::string::npos) std::abort();
      }
    }
    return whole;
  };
  const sendmail::TextReader::Rules exact{
      .longest_piece = 16, .line_endings = sendmail::LineEndings::never, .dot_ends_input = false};
  const std::string plain = read(size + 1, exact, false);
  if (!text.ends_with(plain)) std::abort();
  if (read(3, exact, false) != plain) std::abort();
  (void)read(5, {}, true);
  return 0;
}
