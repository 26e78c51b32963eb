#include "showq/listing.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <thread>

#include "io/offload.h"
#include "ipc/attributes.h"
#include "logging/log.h"

namespace showq {

namespace {

constexpr std::string_view kDetailsName = "postrider-queue-details/";
constexpr std::size_t kBatch = 128;                 // messages
constexpr std::size_t kLongestBatch = 1024 * 1024;  // bytes of text; a longer message is told while it is read
constexpr std::size_t kMostReaders = 4;

// Thrown out of the writing of a message that is too long for a batch.
struct TooLong {};

}  // namespace

struct Listing::Batch {
  std::vector<Entry> entries;
  io::FiberHandle reader;
  std::string text;
  std::size_t done = 0;  // how many entries `text` tells of

  void read(const queue::Spool& spool, const Style& style) {
    MessageWriter writer(spool, style, text, [this] {
      if (text.size() >= kLongestBatch) throw TooLong{};
    });
    while (done < entries.size()) {
      const std::size_t before = text.size();
      const Entry& entry = entries[done];
      try {
        writer.write(entry.folder, entry.id, entry.path);
      } catch (const TooLong&) {
        text.resize(before);
        return;
      }
      ++done;
    }
  }
};

bool asks_for_details(int socket) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.sun_family != AF_UNIX) {
    return false;
  }
  const std::size_t length = std::min<std::size_t>(size, sizeof address) - offsetof(sockaddr_un, sun_path);
  // In the abstract name space, which begins with a NUL byte.
  return length > kDetailsName.size() && address.sun_path[0] == '\0' &&
         std::string_view(address.sun_path + 1, length - 1).starts_with(kDetailsName);
}

Listing::Listing(const queue::Spool& spool, io::Stream& stream, Style style, base::Seconds patience)
    : spool_(spool),
      stream_(stream),
      style_(std::move(style)),
      patience_(patience),
      readers_(std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostReaders)) {}

void Listing::write() {
  std::string text;
  ipc::append_attribute(text, "protocol", "mail_queue_list_protocol");
  ipc::append_end(text);
  send(text);
  style_.bounces = queue::FolderScan(spool_, queue::Folder::bounce).next().has_value();
  for (const queue::Folder folder : queue::kMessageFolders) write_folder(folder);
  if (!next_.empty()) start_reading();
  while (!reading_.empty()) write_oldest();
  text.clear();
  ipc::append_end(text);
  send(text);
}

void Listing::send(std::string_view text) {
  // The time is for the client's next step, not for all of the queue.
  stream_.set_deadline(io::Deadline::after(patience_));
  stream_.write(text);
}

void Listing::write_folder(queue::Folder folder) {
  const auto listed = spool_.for_each(folder, [&](const queue::Spool::Entry& entry) {
    add({folder, entry.id, entry.path});
    return true;
  });
  if (!listed) logging::warning("showq.folder_unreadable", "{reason}", {{"reason", listed.error().text}});
}

void Listing::add(Entry entry) {
  next_.push_back(std::move(entry));
  if (next_.size() >= kBatch) start_reading();
}

void Listing::start_reading() {
  const auto batch = std::make_shared<Batch>();
  batch->entries = std::exchange(next_, {});
  next_.reserve(kBatch);
  // What a reader uses must live as long as it does, also when this client goes away.
  batch->reader = io::spawn("read queue files", [batch, spool = spool_, style = style_] {
    io::offload([&] { batch->read(spool, style); }, io::Pace::slow);
  });
  reading_.push_back(batch);
  while (reading_.size() > readers_) write_oldest();
}

void Listing::write_oldest() {
  const auto batch = std::move(reading_.front());
  reading_.pop_front();
  (void)batch->reader.join();
  send(batch->text);
  // What is too long for memory is read here, as fast as the client takes it.
  for (; batch->done < batch->entries.size(); ++batch->done) write_alone(batch->entries[batch->done]);
}

void Listing::write_alone(const Entry& entry) {
  std::string text;
  const auto make_room = [&] {
    send(text);
    text.clear();
  };
  MessageWriter(spool_, style_, text, make_room).write(entry.folder, entry.id, entry.path);
  make_room();
}

}  // namespace showq
