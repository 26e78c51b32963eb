#pragma once
// The primary header: from physical lines to headers, what is done to each, and where it ends.

#include <string>
#include <string_view>

#include "cleanup/missing_headers.h"
#include "cleanup/transaction.h"

namespace cleanup {

class Headers {
 public:
  explicit Headers(Transaction& message) : message_(message) {}

  // One content record, its stray CR and LF replaced. False: the header has ended before this record, which belongs to
  // the body.
  bool take(queue::RecordType type, std::string_view data);
  // Also when the content ends within the header.
  void end();

  // Of Content-Type and Content-Transfer-Encoding of the message itself, for the body.
  const std::string& content_type() const { return content_type_; }

 private:
  void append(std::string_view text, bool new_line = false);
  void finish_header();
  void known(std::string_view name, std::string_view value);
  void count_hop();
  void store(std::string_view header, bool is_new = false);
  void finish_badly();

  Transaction& message_;
  PresentHeaders present_;
  std::string header_;         // the logical header so far, its lines joined by \n
  bool line_goes_on_ = false;  // the last record did not end its line
  bool ended_ = false;
  int hops_ = 0;
  std::string content_type_;
};

// A header to the output: a record for each of its lines, in pieces where one is longer than line_length_limit.
void write_header(Transaction& message, std::string_view header);

// A header that is not ASCII, likewise.
void note_8bit_header(Transaction& message, std::string_view header);
// A Content-Transfer-Encoding that tells of 8-bit content, in the primary header or in that of a part.
void note_transfer_encoding(Transaction& message, std::string_view value);

}  // namespace cleanup
