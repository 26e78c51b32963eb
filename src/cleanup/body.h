#pragma once
// The body: copied as it is, whole runs of records at a time. Where lines must be looked at one by one it is because
// main.cf asks for it, or because a line holds a stray CR or LF.

#include <string>
#include <string_view>

#include "cleanup/mime.h"
#include "cleanup/transaction.h"

namespace cleanup {

// Stray CR and LF as blanks, unwanted characters removed, forbidden ones refused: what happens to every content record,
// of header and body. `scratch` holds a changed record.
std::string_view screened(Transaction& message, std::string_view data, std::string& scratch);

class Body {
 public:
  explicit Body(Transaction& message) : message_(message), mime_(message) {}

  void begin(std::string_view content_type) { mime_.begin(content_type); }

  // From a frame that stands at a body record: copies the longest run of N and L records, takes it off the front and
  // returns true; false, and nothing taken, when the first record is of another type or is not whole.
  bool take_run(std::string_view& records);
  void take(queue::RecordType type, std::string_view data);  // screened
  void end();                                                // the X record has come

 private:
  void look_at(queue::RecordType type, std::string_view data);

  bool last_goes_on_ = false;
  Transaction& message_;
  MimeScanner mime_;
};

}  // namespace cleanup
