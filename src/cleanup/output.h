#pragma once
// Where the records of a message go: the queue file, or a string in tests. Failures are remembered, not told at once.

#include <cstdint>
#include <string>
#include <string_view>

#include "queue/message_writer.h"
#include "queue/record.h"

namespace cleanup {

class Output {
 public:
  virtual ~Output() = default;
  virtual void append(queue::RecordType type, std::string_view data) = 0;
  virtual void append_encoded(std::string_view records) = 0;  // whole records
  virtual void overwrite(std::int64_t offset, std::string_view bytes) = 0;
  virtual std::int64_t size() const = 0;
  virtual bool failed() const = 0;
};

class MemoryOutput : public Output {
 public:
  void append(queue::RecordType type, std::string_view data) override { queue::append_record(records_, type, data); }
  void append_encoded(std::string_view records) override { records_ += records; }
  void overwrite(std::int64_t offset, std::string_view bytes) override {
    records_.replace(static_cast<std::size_t>(offset), bytes.size(), bytes);
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(records_.size()); }
  bool failed() const override { return false; }
  const std::string& records() const { return records_; }

 private:
  std::string records_;
};

class FileOutput : public Output {
 public:
  explicit FileOutput(queue::MessageWriter& writer) : writer_(writer) {}
  void append(queue::RecordType type, std::string_view data) override { note(writer_.append(type, data)); }
  void append_encoded(std::string_view records) override { note(writer_.append_encoded(records)); }
  void overwrite(std::int64_t offset, std::string_view bytes) override { note(writer_.overwrite(offset, bytes)); }
  std::int64_t size() const override { return writer_.size(); }
  bool failed() const override { return !problem_.empty(); }
  const std::string& problem() const { return problem_; }

 private:
  void note(const disk::Result<void>& result) {
    if (!result && problem_.empty()) problem_ = result.error().text;
  }
  queue::MessageWriter& writer_;
  std::string problem_;
};

}  // namespace cleanup
