// postconf(5) in man(7) macros.

#include <set>

#include "base/text.h"
#include "write.h"

namespace paramgen {

namespace {

constexpr std::string_view kHead = R"(.\" Made from conf/parameters/ by the build.
.TH POSTCONF 5
.ad
.fi
.SH NAME
postconf \- configuration parameters of the mail system
.SH SYNOPSIS
.nf
\fBpostconf\fR \fIparameter\fR ...
\fBpostconf\fR \fIparameter\fB=\fIvalue\fR ...
.fi
.SH DESCRIPTION
The file \fBmain.cf\fR sets parameters; whatever it leaves out has the default that is shown here.
The command \fBpostconf \-d\fR lists all defaults, \fBpostconf \-n\fR what main.cf sets, and \fBpostfix check\fR
names everything in it that is wrong.
.IP \(bu
A setting is a logical line \fIname\fB = \fIvalue\fR. Blanks around the equals sign and at the end do not count.
.IP \(bu
A line that begins with a blank continues the line before it.
.IP \(bu
Lines that are empty, or whose first character other than a blank is \fB#\fR, are skipped, also in the middle of
a continued line. A \fB#\fR after other text is a part of that text.
.IP \(bu
When a name is set more than once, the last setting counts.
.IP \(bu
\fB$\fIname\fR, \fB${\fIname\fB}\fR and \fB$(\fIname\fB)\fR stand for the value of another parameter, which may be
one of your own; \fB$$\fR is a dollar sign.
.IP \(bu
\fB${\fIname\fB?\fItext\fB}\fR is \fItext\fR when the parameter is not empty, \fB${\fIname\fB:\fItext\fB}\fR
when it is; \fB${\fIname\fB?{\fIone\fB}:{\fIother\fB}}\fR chooses between two.
.IP \(bu
\fB${{\fIone\fB} == {\fIother\fB} ? {\fIyes\fB} : {\fIno\fB}}\fR compares, with \fB== != < <= > >=\fR; by number when
both sides are digits only, else as text. With the word \fBlevel\fR after the operator both are compatibility levels.
.IP \(bu
\fB${domain_to_ascii{\fItext\fB}}\fR is the ASCII form of an internationalized domain name.
.PP
A boolean is \fByes\fR or \fBno\fR. A time is a number and one of the units \fBs\fR (seconds), \fBm\fR (minutes),
\fBh\fR (hours), \fBd\fR (days) and \fBw\fR (weeks); a number alone counts in the unit that is shown with the parameter.
The items of a list are separated by blanks or commas, and \fB{\fR \fB}\fR around an item let it contain either.
.PP
A service in \fBmaster.cf\fR may have settings of its own, as \fB\-o\fR \fIname\fB=\fIvalue\fR after its program.
.PP
The parameters follow in the order of their names.
)";

std::string_view type_text(const Entry& entry) {
  switch (entry.type) {
    case Type::text:
      return "text";
    case Type::raw:
      return "text that is expanded when it is used";
    case Type::boolean:
      return "yes or no";
    case Type::integer:
    case Type::big_integer:
      return "number";
    case Type::time:
      return "time";
  }
  return "";
}

std::string_view unit_text(char unit) {
  switch (unit) {
    case 's':
      return "seconds";
    case 'm':
      return "minutes";
    case 'h':
      return "hours";
    case 'd':
      return "days";
    default:
      return "weeks";
  }
}

// "From 1s to 2d.", "At least 1.", "Not empty."
std::string range_text(const Entry& entry) {
  const auto dots = entry.range.find("..");
  const std::string low(base::trim(entry.range.substr(0, dots)));
  const std::string high(base::trim(entry.range.substr(dots + 2)));
  const bool is_text = entry.type == Type::text || entry.type == Type::raw;
  if (is_text && low == "1" && high.empty()) return "Not empty.";
  const std::string unit = is_text ? " characters" : "";
  if (low.empty()) return "At most " + high + unit + ".";
  if (high.empty()) return "At least " + low + unit + ".";
  return low == high ? "Exactly " + low + unit + "." : "From " + low + " to " + high + unit + ".";
}

// Text that troff prints as it is.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '\\':
        result += "\\e";
        break;
      case '-':
        result += "\\-";
        break;
      case '"':
        result += "\\(dq";
        break;
      case '\'':
        result += "\\(aq";
        break;
      case '^':
        result += "\\(ha";
        break;
      case '~':
        result += "\\(ti";
        break;
      case '`':
        result += "\\(ga";
        break;
      default:
        result += c;
    }
  }
  return result;
}

// A dot at the start of a line would be a request.
std::string line_of(std::string text) {
  return (text.starts_with('.') ? "\\&" : "") + std::move(text) + "\n";
}

class Page {
 public:
  explicit Page(const std::vector<Entry>& entries) : entries_(entries) {
    for (const Entry& entry : entries) names_.insert(entry.name);
  }

  std::string text() {
    page_ = kHead;
    for (const Entry& entry : entries_) section(entry);
    page_ +=
        ".SH SEE ALSO\n.nf\npostconf(1), shows and edits parameters\nmaster(5), the services\npostfix(1), starts, "
        "stops and checks the mail system\n.fi\n";
    return std::move(page_);
  }

 private:
  void section(const Entry& entry) {
    const std::string name = (entry.kind == Kind::family ? "transport" : "") + entry.name;
    std::string heading = ".SH \"" + escaped(name);
    if (entry.kind == Kind::parameter || entry.kind == Kind::family) {
      heading +=
          " (default: " + (entry.default_value.empty() ? "empty" : escaped(default_text(entry.default_value))) + ")";
    }
    page_ += heading + "\"\n";
    for (const Block& block : entry.documentation) {
      if (block.is_example) {
        page_ += ".sp\n.in +4\n.nf\n.na\n.ft C\n";
        for (const auto& line : block.lines) page_ += line_of(escaped(line.size() < 2 ? line : line.substr(2)));
        page_ += ".ft R\n.fi\n.ad\n.in -4\n";
      } else {
        page_ += ".PP\n";
        for (const auto& line : block.lines) page_ += line_of(with_references(line, entry.name));
      }
    }
    facts(entry);
  }

  void facts(const Entry& entry) {
    if (entry.kind == Kind::function) {
      since(entry);
      return;
    }
    std::string text = entry.kind == Kind::read_only  ? "Set by the program itself, not in a file."
                       : entry.kind == Kind::obsolete ? "Obsolete: " + entry.advice + "."
                                                      : "Type: " + std::string(type_text(entry)) + ".";
    if (entry.type == Type::time && entry.kind != Kind::obsolete) {
      text += " A number without a unit counts " + std::string(unit_text(entry.unit)) + ".";
    }
    if (!entry.range.empty()) text += " " + range_text(entry);
    if (entry.kind != Kind::obsolete && !entry.advice.empty())
      text += " To be removed one day; instead, " + entry.advice + ".";
    if (!entry.unserved.empty()) text += " Not served yet: " + entry.unserved + ".";
    page_ += ".PP\n" + line_of(with_references(text, entry.name));
    since(entry);
  }

  void since(const Entry& entry) {
    if (!entry.since.empty()) page_ += "Since Postfix " + entry.since + ".\n";
  }

  static std::string default_text(std::string_view value) {
    if (value.front() != '@') return std::string(value);
    return "computed";
  }

  // Names of parameters become bold.
  std::string with_references(std::string_view text, std::string_view own_name) const {
    std::string result;
    std::size_t i = 0;
    while (i < text.size()) {
      std::size_t end = i;
      while (end < text.size() && (base::is_alnum(text[end]) || text[end] == '_')) ++end;
      if (end == i) {
        result += escaped(text.substr(i, 1));
        ++i;
        continue;
      }
      const std::string_view word = text.substr(i, end - i);
      // Words of plain English (stress) are names only behind a dollar.
      const bool is_name =
          names_.contains(word) && word != own_name && (word.contains('_') || (i > 0 && text[i - 1] == '$'));
      result += is_name ? "\\fB" + escaped(word) + "\\fR" : escaped(word);
      i = end;
    }
    return result;
  }

  const std::vector<Entry>& entries_;
  std::set<std::string, std::less<>> names_;
  std::string page_;
};

}  // namespace

std::string manual_page(const std::vector<Entry>& entries) {
  return Page(entries).text();
}

}  // namespace paramgen
