#pragma once
// -h, -b, -m: the headers and body lines of a message, as header_checks and body_checks would be asked for them.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace postmap {

struct MessageLimits {
  std::size_t header_size = 102400;  // continuation lines of a header that is as long already are left out
  std::size_t nesting = 100;
  std::size_t boundary = 2048;  // of longer ones only the beginning counts
};

// Takes the lines of a message and tells its keys:
//
//   headers   each header of the message, its lines joined with newlines; blanks before the colon are taken out
//   body      each line after them, the empty line between included (put in where it is missing)
//   with mime the headers of parts and of attached messages are headers, too, and not body
class MessageKeys {
 public:
  struct Wanted {
    bool headers = false;
    bool body = false;
    bool mime = false;
  };
  using Sink = std::function<void(std::string_view key)>;

  MessageKeys(Wanted wanted, const MessageLimits& limits, Sink sink)
      : wanted_(wanted), limits_(limits), sink_(std::move(sink)) {}

  void line(std::string_view line);  // without its newline
  void end();

 private:
  enum class Block { message, part };  // whose headers are being read
  enum class Content { lines, message };

  void finish_header();
  void header_line(std::string_view line);
  void body_line(std::string_view line);
  void begin_headers(Block block, Content content);
  void read_content_type(std::string_view value);

  Wanted wanted_;
  MessageLimits limits_;
  Sink sink_;
  bool in_headers_ = true;
  Block block_ = Block::message;
  Content content_ = Content::lines;  // of what comes after the headers
  std::string header_;                // the one being read
  struct Multipart {
    std::string boundary;
    Content parts;  // what a part is that does not say
  };
  std::vector<Multipart> multiparts_;  // the outermost first
};

}  // namespace postmap
