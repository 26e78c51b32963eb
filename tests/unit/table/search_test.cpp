#include "table/search.h"

namespace {

using table::Delimiters;
using table::SearchKey;

// "a ~b ~c^": b and c are asked of exact tables only, c has lost its extension.
std::string shown(const std::vector<SearchKey>& keys) {
  std::string all;
  for (const SearchKey& key : keys) {
    if (!all.empty()) all += ' ';
    if (key.reach == table::KeyReach::fixed_only) all += '~';
    all += key.key;
    if (key.without_extension) all += '^';
  }
  return all;
}

struct AddressCase {
  std::string_view address;
  std::string_view delimiters;
  bool flag;  // the domain is local, or parents match subdomains
  std::string_view keys;
};

template <typename Order, std::size_t count>
void expect_orders(const Order& order, const AddressCase (&cases)[count]) {
  for (const AddressCase& each : cases) {
    EXPECT_EQ(shown(order(each.address, each.delimiters, each.flag)), each.keys) << each.address << " " << each.flag;
  }
}

TEST(MailAddressKeys, GoFromTheWholeAddressToTheDomain) {
  constexpr AddressCase kCases[] = {
      {"user@example.com", "+", false, "user@example.com ~@example.com"},
      {"user@example.com", "", false, "user@example.com ~@example.com"},
      {"user@example.com", "+", true, "user@example.com ~user ~@example.com"},
      {"user+ext@example.com", "+", false, "user+ext@example.com ~user@example.com^ ~@example.com"},
      {"user+ext@example.com", "+", true, "user+ext@example.com ~user@example.com^ ~user+ext ~user^ ~@example.com"},
      {"user+ext@example.com", "", true, "user+ext@example.com ~user+ext ~@example.com"},
      {"user-ext@example.com", "+", true, "user-ext@example.com ~user-ext ~@example.com"},
      {"user-ext@example.com", "-", false, "user-ext@example.com ~user@example.com^ ~@example.com"},
      {"user-a+b@example.com", "+-", false, "user-a+b@example.com ~user@example.com^ ~@example.com"},
      {"user+a-b@example.com", "+-", false, "user+a-b@example.com ~user@example.com^ ~@example.com"},
      {"user+a+b@example.com", "+", false, "user+a+b@example.com ~user@example.com^ ~@example.com"},
      {"user+@example.com", "+", false, "user+@example.com ~user@example.com^ ~@example.com"},
      {"+ext@example.com", "+", false, "+ext@example.com ~@example.com"},
      {"User+Ext@Example.COM", "+", false, "User+Ext@Example.COM ~User@Example.COM^ ~@Example.COM"},
      {"user+ext", "+", true, "user+ext ~user^"},
      {"user", "+", false, "user"},
      {"user@", "+", false, "user@"},
      {"user@[192.0.2.1]", "+", false, "user@[192.0.2.1] ~@[192.0.2.1]"},
      {"user+x@[IPv6:2001:db8::1]", "+", false,
       "user+x@[IPv6:2001:db8::1] ~user@[IPv6:2001:db8::1]^ ~@[IPv6:2001:db8::1]"},
      {"jürgen+ü@bücher.example", "+", true,
       "jürgen+ü@bücher.example ~jürgen@bücher.example^ ~jürgen+ü ~jürgen^ ~@bücher.example"},
      {"", "+", true, ""},
  };
  expect_orders(table::mail_address_keys, kCases);
}

TEST(MailAddressKeys, AskForTheQuotedFormBeforeThePlainOne) {
  constexpr AddressCase kCases[] = {
      {"a b@example.com", "+", false, "\"a b\"@example.com a b@example.com ~@example.com"},
      {"a b+x@example.com", "+", false,
       "\"a b+x\"@example.com a b+x@example.com ~\"a b\"@example.com^ ~a b@example.com^ ~@example.com"},
      {"a b@example.com", "+", true, "\"a b\"@example.com a b@example.com ~\"a b\" ~a b ~@example.com"},
      {"a@b@example.com", "+", false, "\"a@b\"@example.com a@b@example.com ~@example.com"},
      {"a..b@example.com", "+", false, "\"a..b\"@example.com a..b@example.com ~@example.com"},
      {"x y", "+", false, "\"x y\" x y"},
      {"user+a b@example.com", "+", false,
       "\"user+a b\"@example.com user+a b@example.com ~user@example.com^ ~@example.com"},
      {"@example.com", "+", true, "\"\"@example.com @example.com"},
  };
  expect_orders(table::mail_address_keys, kCases);
}

TEST(TransportKeys, GoThroughParentsToTheStar) {
  constexpr AddressCase kCases[] = {
      {"user@example.com", "+", false, "user@example.com ~example.com ~.com ~*"},
      {"user@example.com", "+", true, "user@example.com ~example.com ~com ~*"},
      {"user+ext@a.b.c", "+", false, "user+ext@a.b.c ~user@a.b.c^ ~a.b.c ~.b.c ~.c ~*"},
      {"user+ext@a.b.c", "+", true, "user+ext@a.b.c ~user@a.b.c^ ~a.b.c ~b.c ~c ~*"},
      {"user@localhost", "+", false, "user@localhost ~localhost ~*"},
      {"user@[192.0.2.1]", "+", false, "user@[192.0.2.1] ~[192.0.2.1] ~*"},
      {"user@192.0.2.1", "+", false, "user@192.0.2.1 ~192.0.2.1 ~*"},
      {"user@a.b.c", "", false, "user@a.b.c ~a.b.c ~.b.c ~.c ~*"},
      {"user", "+", false, "user ~*"},
      {"user+x", "+", false, "user+x ~user^ ~*"},
      {"a b@example.com", "+", false, "\"a b\"@example.com a b@example.com ~example.com ~.com ~*"},
      {"user@host.xn--p1ai", "+", false, "user@host.xn--p1ai ~host.xn--p1ai ~.xn--p1ai ~*"},
      {"user@host.lan1", "+", false, "user@host.lan1 ~host.lan1 ~.lan1 ~*"},
      {"", "+", false, ""},
  };
  expect_orders(table::transport_keys, kCases);
}

TEST(AccessAddressKeys, EndWithTheUserPart) {
  constexpr AddressCase kCases[] = {
      {"user@example.com", "+", false, "user@example.com ~example.com ~.com ~user@"},
      {"user@example.com", "+", true, "user@example.com ~example.com ~com ~user@"},
      {"user+ext@a.b.c", "+", false, "user+ext@a.b.c ~user@a.b.c^ ~a.b.c ~.b.c ~.c ~user+ext@ ~user@^"},
      {"user+ext@a.b.c", "+", true, "user+ext@a.b.c ~user@a.b.c^ ~a.b.c ~b.c ~c ~user+ext@ ~user@^"},
      {"user+ext@a.b.c", "", true, "user+ext@a.b.c ~a.b.c ~b.c ~c ~user+ext@"},
      {"user@[2001:db8::1]", "+", false, "user@[2001:db8::1] ~[2001:db8::1] ~user@"},
      {"user", "+", false, "user ~user@"},
      {"user+ext", "+", false, "user+ext ~user^ ~user+ext@ ~user@^"},
      {"a b@example.com", "+", false, "\"a b\"@example.com a b@example.com ~example.com ~.com ~\"a b\"@ ~a b@"},
      {"owner-list@example.com", "-", false, "owner-list@example.com ~example.com ~.com ~owner-list@"},
      {"list-request@example.com", "-", false, "list-request@example.com ~example.com ~.com ~list-request@"},
      {"", "+", false, ""},
  };
  expect_orders(table::access_address_keys, kCases);
}

TEST(MailboxKeys, NeverAskForAUserAlone) {
  const auto order = [](std::string_view address, std::string_view delimiters, bool) {
    return table::mailbox_keys(address, delimiters);
  };
  constexpr AddressCase kCases[] = {
      {"user@example.com", "+", false, "user@example.com ~@example.com"},
      {"user+ext@example.com", "+", false, "user+ext@example.com ~user@example.com^ ~@example.com"},
      {"user+ext@example.com", "", false, "user+ext@example.com ~@example.com"},
      {"a b@example.com", "+", false, "\"a b\"@example.com a b@example.com ~@example.com"},
      {"", "+", false, ""},
  };
  expect_orders(order, kCases);
}

TEST(SenderLoginKeys, LetTheOwnerOfAnAddressOwnItsExtensions) {
  constexpr AddressCase kCases[] = {
      {"user@example.com", "+", false, "user@example.com ~@example.com"},
      {"user@example.com", "+", true, "user@example.com ~user ~@example.com"},
      {"user+ext@example.com", "+", false, "user+ext@example.com ~user@example.com^ ~@example.com"},
      {"", "+", true, ""},
  };
  expect_orders(table::sender_login_keys, kCases);
}

struct DomainCase {
  std::string_view domain;
  bool parent_matches;
  std::string_view keys;
};

TEST(DomainKeys, AreTheNameAndItsParents) {
  constexpr DomainCase kCases[] = {
      {"mail.example.com", false, "mail.example.com ~.example.com ~.com"},
      {"mail.example.com", true, "mail.example.com ~example.com ~com"},
      {"a.b.c.d", false, "a.b.c.d ~.b.c.d ~.c.d ~.d"},
      {"localhost", false, "localhost"},
      {"localhost", true, "localhost"},
      {"unknown", true, "unknown"},
      {"192.0.2.1", false, "192.0.2.1"},
      {"192.0.2.1", true, "192.0.2.1"},
      {"[192.0.2.1]", true, "[192.0.2.1]"},
      {"example.com.", false, "example.com. ~.com."},
      {"example.com.", true, "example.com. ~com."},
      {".example.com", false, ".example.com ~.com"},
      {".example.com", true, ".example.com ~com"},
      {"a..b", false, "a..b ~..b ~.b"},
      {"a..b", true, "a..b ~.b ~b"},
      {".", false, "."},
      {"", true, ""},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(shown(table::domain_keys(each.domain, each.parent_matches)), each.keys) << each.domain;
  }
}

TEST(DomainKeys, DoNotTakeHugeNamesApart) {
  std::string domain = "a";
  while (domain.size() < 1000000) domain += ".a";
  EXPECT_EQ(table::domain_keys(domain, false).size(), 1u);
}

TEST(DomainKeys, TakeALongLegalNameApart) {
  std::string domain = "a";
  while (domain.size() < 253) domain += ".a";
  EXPECT_EQ(table::domain_keys(domain, false).size(), 127u);
}

struct TextCase {
  std::string_view text;
  std::string_view keys;
};

TEST(IpAddressKeys, LoseOctetsOrGroupsFromTheRight) {
  constexpr TextCase kCases[] = {
      {"192.0.2.7", "192.0.2.7 ~192.0.2 ~192.0 ~192"},
      {"10.0.0.1", "10.0.0.1 ~10.0.0 ~10.0 ~10"},
      {"2001:db8:1:2:3:4:5:6",
       "2001:db8:1:2:3:4:5:6 ~2001:db8:1:2:3:4:5 ~2001:db8:1:2:3:4 ~2001:db8:1:2:3 ~2001:db8:1:2 ~2001:db8:1 ~2001:db8 "
       "~2001"},
      {"2001:db8::7", "2001:db8::7 ~2001:db8: ~2001:db8 ~2001"},
      {"2001:db8::1:2", "2001:db8::1:2 ~2001:db8::1 ~2001:db8: ~2001:db8 ~2001"},
      {"::1", "::1 ~:"},
      {"2001:db8::", "2001:db8:: ~2001:db8: ~2001:db8 ~2001"},
      {"::ffff:192.0.2.7", "::ffff:192.0.2.7 ~::ffff ~:"},
      {"", ""},
  };
  for (const auto& each : kCases) EXPECT_EQ(shown(table::ip_address_keys(each.text)), each.keys) << each.text;
}

TEST(IpAddressKeys, DoNotTakeJunkApart) {
  EXPECT_EQ(table::ip_address_keys(std::string(1000000, ':')).size(), 1u);
}

TEST(AliasKeys, AreLowerCaseAndLoseTheExtension) {
  struct {
    std::string_view local, delimiters, keys;
  } constexpr kCases[] = {
      {"Postmaster", "+", "postmaster"},
      {"User+Ext", "+", "user+ext ~user^"},
      {"user+ext", "", "user+ext"},
      {"user-a+b", "-+", "user-a+b ~user^"},
      {"owner-list", "-", "owner-list"},
      {"MAILER-DAEMON", "-", "mailer-daemon"},
      {"JÜRGEN+x", "+", "jürgen+x ~jürgen^"},
      {"+x", "+", "+x"},
      {"", "+", ""},
  };
  for (const auto& each : kCases) EXPECT_EQ(shown(table::alias_keys(each.local, each.delimiters)), each.keys);
}

TEST(TlsPolicyKeys, HaveParentsOnlyForBareDomains) {
  constexpr TextCase kCases[] = {
      {"example.com", "example.com ~.com"},
      {"mail.example.com", "mail.example.com ~.example.com ~.com"},
      {"[mail.example.com]", "[mail.example.com]"},
      {"[mail.example.com]:587", "[mail.example.com]:587"},
      {"mail.example.com:587", "mail.example.com:587"},
      {"[192.0.2.1]", "[192.0.2.1]"},
      {"localhost", "localhost"},
      {"", ""},
  };
  for (const auto& each : kCases) EXPECT_EQ(shown(table::tls_policy_keys(each.text)), each.keys) << each.text;
}

struct SplitCase {
  std::string_view local;
  std::string_view delimiters;
  std::string_view parts;  // "base|extension", "" when there is none
};

constexpr SplitCase kSplits[] = {
    {"user+ext", "+", "user|+ext"},
    {"user+", "+", "user|+"},
    {"+ext", "+", ""},
    {"+a+b", "+", ""},
    {"user", "+", ""},
    {"user+ext", "", ""},
    {"user+a-b", "-+", "user|+a-b"},
    {"user-a+b", "+-", "user|-a+b"},
    {"", "+", ""},
    {"mailer-daemon", "-", ""},
    {"MAILER-DAEMON", "-", ""},
    {"mailer-daemon-x", "-", "mailer|-daemon-x"},
    {"double-bounce", "-", ""},
    {"Double-Bounce", "+-", ""},
    {"postmaster", "s", ""},
    {"owner-list", "-", ""},
    {"Owner-List", "+-", ""},
    {"owner-list+x", "+", "owner-list|+x"},
    {"owner-list+x", "+-", ""},
    {"list-request", "-", ""},
    {"LIST-REQUEST", "-", ""},
    {"list-request+x", "+", "list-request|+x"},
    {"list-requests", "-", "list|-requests"},
    {"-request", "-", ""},
    {"owners-x", "-", "owners|-x"},
};

TEST(SplitExtension, HappensAtTheFirstDelimiterButNotInSpecialNames) {
  for (const auto& each : kSplits) {
    const auto split = table::split_extension(each.local, each.delimiters);
    const std::string parts = split ? std::string(split->base) + "|" + std::string(split->extension) : "";
    EXPECT_EQ(parts, each.parts) << each.local << " at " << each.delimiters;
  }
}

TEST(SplitExtension, TakesListNamesApartWhenTheyAreNotSpecial) {
  const Delimiters plain("-", false, "double-bounce");
  EXPECT_EQ(table::split_extension("owner-list", plain)->base, "owner");
  EXPECT_EQ(table::split_extension("list-request", plain)->base, "list");
}

TEST(SplitExtension, KnowsTheConfiguredDoubleBounceAddress) {
  const Delimiters other("-", true, "bounce-twice");
  EXPECT_FALSE(table::split_extension("Bounce-Twice", other));
  EXPECT_TRUE(table::split_extension("double-bounce", other));
}

TEST(QuotedLocalPart, QuotesOnlyWhatIsNoDotAtom) {
  constexpr TextCase kCases[] = {
      {"user", "user"},       {"a.b.c", "a.b.c"},     {"user+ext", "user+ext"},
      {"a!b%c", "a!b%c"},     {"jürgen", "jürgen"},   {"a b", "\"a b\""},
      {".a", "\".a\""},       {"a.", "\"a.\""},       {"a..b", "\"a..b\""},
      {"a\"b", "\"a\\\"b\""}, {"a\\b", "\"a\\\\b\""}, {"a@b", "\"a@b\""},
      {"a(b)", "\"a(b)\""},   {"a\tb", "\"a\tb\""},   {"", "\"\""},
  };
  for (const auto& each : kCases) EXPECT_EQ(table::quoted_local_part(each.text), each.keys);
}

std::string found(const std::string& tables, const std::vector<SearchKey>& keys) {
  const table::TableList list("test_maps", tables, {}, {});
  const auto hit = table::search(list, keys);
  if (!hit) return "error: " + hit.error().text;
  return *hit ? (*hit)->value + " for " + (*hit)->key.key : "nothing";
}

TEST(Search, TakesTheFirstKeyThatAnyTableHas) {
  const auto keys = table::mail_address_keys("user+x@example.com", "+", false);
  EXPECT_EQ(found("inline:{@example.com=domain} inline:{user@example.com=user}", keys), "user for user@example.com");
  EXPECT_EQ(found("inline:{@example.com=domain}", keys), "domain for @example.com");
  EXPECT_EQ(found("inline:{example.com=domain}", keys), "nothing");
  EXPECT_EQ(found("", keys), "nothing");
}

TEST(Search, AsksPatternTablesForTheWholeKeyOnly) {
  const auto keys = table::mail_address_keys("user+x@example.com", "+", false);
  EXPECT_EQ(found("regexp:{{/^user@/ wrong}}", keys), "nothing");
  EXPECT_EQ(found("regexp:{{/^user.x@/ right}}", keys), "right for user+x@example.com");
}

TEST(Search, EndsAtATableThatCannotTell) {
  const auto keys = table::mail_address_keys("user@example.com", "+", false);
  EXPECT_TRUE(found("fail:x inline:{user@example.com=1}", keys).starts_with("error: "));
  EXPECT_EQ(found("inline:{user@example.com=1} fail:x", keys), "1 for user@example.com");
}

}  // namespace
