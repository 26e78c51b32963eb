#pragma once
// The whole queue, told to one client.

#include <deque>
#include <memory>
#include <vector>

#include "base/time_units.h"
#include "io/fiber.h"
#include "io/stream.h"
#include "queue/spool.h"
#include "showq/message_writer.h"

namespace showq {

// Whether the peer gave its own end of the connection the name by which our postqueue asks for details. Nothing needs
// to be read for it, and servers that do not know of it see nothing.
bool asks_for_details(int socket);

// Messages are read by several threads, some of them at a time, and told in the order of their directories. Nothing is
// kept: what a client does not take is not read.
class Listing {
 public:
  Listing(const queue::Spool& spool, io::Stream& stream, Style style, base::Seconds patience);
  void write();  // throws io::StreamError; in a fiber

 private:
  struct Entry {
    queue::Folder folder;
    queue::Id id;
    std::string path;
  };
  struct Batch;
  void write_folder(queue::Folder folder);
  void add(Entry entry);
  void start_reading();
  void write_oldest();
  void write_alone(const Entry& entry);
  void send(std::string_view text);

  const queue::Spool& spool_;
  io::Stream& stream_;
  Style style_;
  base::Seconds patience_;
  std::size_t readers_;
  std::vector<Entry> next_;
  std::deque<std::shared_ptr<Batch>> reading_;
};

}  // namespace showq
