#include "cleanup/addresses.h"

#include "base/text.h"
#include "logging/log.h"
#include "mail/address.h"

namespace cleanup {

namespace {

void lookup_problem(Transaction& message, std::string_view parameter, const std::string& address,
                    const table::Error& error) {
  logging::warning("cleanup.lookup", "{error}", {{"error", error.text}});
  logging::warning("cleanup.lookup",
                   "{id}: {parameter} map lookup problem for {address} -- message not accepted, try again later",
                   {{"id", message.id}, {"parameter", parameter}, {"address", address}});
  message.fail(client::cleanup_status::kWrite);
}

std::string mapped(Transaction& message, const routing::AddressMap& map, std::string_view parameter,
                   std::string address) {
  if (map.empty()) return address;
  auto result = routing::canonical(map, address, nullptr, message.id);
  if (result) return *std::move(result);
  lookup_problem(message, parameter, address, result.error());
  return address;
}

// The tables of one kind of address, in Postfix's order: first those for senders or recipients alone.
struct Applied {
  bool sender_canonical = false;
  bool recipient_canonical = false;
  bool canonical = false;
  bool masquerade = false;
};

std::string apply(Transaction& message, const Applied& applied, std::string address) {
  const Tables& tables = message.tables;
  if (applied.sender_canonical)
    address = mapped(message, tables.sender_canonical, "sender_canonical_maps", std::move(address));
  if (applied.recipient_canonical)
    address = mapped(message, tables.recipient_canonical, "recipient_canonical_maps", std::move(address));
  if (applied.canonical) address = mapped(message, tables.canonical, "canonical_maps", std::move(address));
  if (applied.masquerade && !tables.masquerade.empty()) {
    auto result = tables.masquerade.apply(address);
    if (result)
      address = *std::move(result);
    else
      lookup_problem(message, "masquerade_exceptions", address, result.error());
  }
  return address;
}

}  // namespace

std::string envelope_sender(Transaction& message, std::string_view address) {
  if (address.empty()) return {};  // notices come from nobody, and no table may change that
  std::string result = message.tables.router.rewrite_internal(routing::Context::local, address);
  const Settings& settings = message.settings;
  if (base::equals_folded(result, settings.mailer_daemon)) return {};  // nobody's other name
  if (!message.maps()) return result;
  return apply(message,
               {.sender_canonical = settings.sender_canonical_classes.envelope_sender,
                .canonical = settings.canonical_classes.envelope_sender,
                .masquerade = settings.masquerade_classes.envelope_sender},
               std::move(result));
}

std::string envelope_recipient(Transaction& message, std::string_view address) {
  const Settings& settings = message.settings;
  std::string result = message.tables.router.rewrite_internal(
      routing::Context::local, address.empty() ? std::string_view(settings.empty_address_recipient) : address);
  if (!message.maps()) return result;
  return apply(message,
               {.recipient_canonical = settings.recipient_canonical_classes.envelope_recipient,
                .canonical = settings.canonical_classes.envelope_recipient,
                .masquerade = settings.masquerade_classes.envelope_recipient},
               std::move(result));
}

std::string header_address(Transaction& message, mail::AddressClass header_class, std::string_view external) {
  std::string rewritten = message.tables.router.rewrite(
      message.local_headers ? routing::Context::local : routing::Context::remote, external);
  if (!message.maps()) return rewritten;
  const Settings& settings = message.settings;
  const bool sender = header_class == mail::AddressClass::sender;
  const auto covers = [sender](const AddressClasses& classes) {
    return sender ? classes.header_sender : classes.header_recipient;
  };
  const Applied applied{.sender_canonical = sender && settings.sender_canonical_classes.header_sender,
                        .recipient_canonical = !sender && settings.recipient_canonical_classes.header_recipient,
                        .canonical = covers(settings.canonical_classes),
                        .masquerade = covers(settings.masquerade_classes)};
  const std::string internal = mail::unquote(rewritten);
  std::string result = apply(message, applied, internal);
  return result == internal ? rewritten : mail::quote(result);
}

}  // namespace cleanup
