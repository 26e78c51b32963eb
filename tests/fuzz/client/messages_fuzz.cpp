// What is decoded from any bytes, as any kind of message, is encoded to the same bytes again. The first byte chooses
// the kind.

#include <cstdint>
#include <cstdlib>

#include "client/anvil_client.h"
#include "client/bounce_client.h"
#include "client/cleanup_client.h"
#include "client/flush_client.h"
#include "client/qmgr_client.h"
#include "ipc/codec.h"

namespace {

template <typename Message>
void check(std::string_view bytes) {
  const auto message = ipc::decode<Message>(bytes);
  if (message && ipc::encode(*message) != bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 12) {
    case 0:
      check<client::CleanupBegin>(bytes);
      break;
    case 1:
      check<client::CleanupStarted>(bytes);
      break;
    case 2:
      check<client::CleanupRecords>(bytes);
      break;
    case 3:
      check<client::CleanupResult>(bytes);
      break;
    case 4:
      check<client::Arrived>(bytes);
      break;
    case 5:
      check<client::NoticeRequest>(bytes);
      break;
    case 6:
      check<client::SingleBounce>(bytes);
      break;
    case 7:
      check<client::NoticeResult>(bytes);
      break;
    case 8:
      check<client::FlushRequest>(bytes);
      break;
    case 9:
      check<client::FlushResult>(bytes);
      break;
    case 10:
      check<client::AnvilRequest>(bytes);
      break;
    default:
      check<client::AnvilResult>(bytes);
      break;
  }
  return 0;
}
