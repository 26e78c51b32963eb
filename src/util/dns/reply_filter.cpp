#include "dns/reply_filter.h"

#include "base/text.h"
#include "logging/log.h"

namespace dns {

namespace {

std::string dotted(std::string_view name) {
  return name.ends_with('.') ? std::string(name) : std::string(name) + '.';
}

std::string hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02X}", static_cast<unsigned char>(byte));
  return text;
}

std::string data_text(const Record& record) {
  switch (record.type) {
    case Type::a:
    case Type::aaaa:
    case Type::soa:
      return record.data;
    case Type::ns:
    case Type::cname:
    case Type::ptr:
      return dotted(record.data);
    case Type::mx:
      return fmt::format("{} {}", record.preference, dotted(record.data));
    case Type::srv:
      return fmt::format("{} {} {} {}", record.preference, record.weight, record.port, dotted(record.data));
    case Type::txt:
      return base::printable(record.data);
    case Type::tlsa:
      if (record.data.size() < 3) return {};
      return fmt::format("{} {} {} {}", static_cast<unsigned char>(record.data[0]),
                         static_cast<unsigned char>(record.data[1]), static_cast<unsigned char>(record.data[2]),
                         hexadecimal(std::string_view(record.data).substr(3)));
  }
  return {};
}

}  // namespace

std::string text_of(const Record& record) {
  return fmt::format("{} {} IN {} {}", dotted(record.owner), record.ttl, name_of(record.type), data_text(record));
}

ReplyFilter::ReplyFilter(std::string_view parameter, std::string_view value, const table::Settings& settings)
    : tables_(parameter, value, settings, {}) {}

Answer ReplyFilter::apply(std::vector<Record> records, std::string_view name, Type type) const {
  const auto unknown = [&](std::string_view reason) {
    return Failure{Failure::Kind::try_again,
                   fmt::format("Error looking up name={} type={}: {}", name, name_of(type), reason)};
  };
  std::vector<Record> kept;
  for (Record& record : records) {
    const std::string text = text_of(record);
    const auto action = tables_.lookup(text);  // a table that cannot tell has told the log
    if (!action) return std::unexpected(unknown("Invalid DNS reply filter syntax"));
    if (!*action) {
      kept.push_back(std::move(record));
      continue;
    }
    if (!base::equals_folded(base::trim(**action), "IGNORE")) {
      logging::warning("dns.filter", "{table}: unknown DNS filter action: \"{action}\"",
                       {{"table", tables_.parameter()}, {"action", **action}});
      return std::unexpected(unknown("Invalid DNS reply filter syntax"));
    }
    logging::info("dns.ignored", "ignoring DNS RR: {record}", {{"record", text}});
  }
  if (!kept.empty()) return kept;
  Failure failure = unknown(kFilteredWords);
  failure.filtered = true;
  return std::unexpected(std::move(failure));
}

}  // namespace dns
