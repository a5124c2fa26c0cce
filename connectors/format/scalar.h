// Single values as texts hold them: CSV cells, and JSON strings where a string may stand for a number. Each function
// says which Reason keeps a record from being used; none of them guesses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/format/number.h"
#include "engine/stream/reason.h"
#include "engine/stream/record.h"
#include "engine/stream/schema.h"

namespace ebb {

// Without spaces and tabs at both ends.
std::string_view Trim(std::string_view text);

// "-12", "+12", "12.00": kBadType unless the whole text is an integer, kOutOfRange outside int64.
Reason IntFromText(std::string_view text, int64_t* value);

// "12.345", "1.5e3" times 10^decimals, rounded half to even: kBadType, kOutOfRange.
Reason DecimalFromText(std::string_view text, int decimals, int64_t* value);

// true, false, yes, no, 1, 0 in any case, as 1 or 0; else kBadType.
Reason BoolFromText(std::string_view text, int64_t* value);

// A time in the unit, cut to milliseconds downwards: digits (seconds may have a fraction), or RFC 3339 as ParseTime
// takes it. kBadTime, kTimeOutOfRange.
Reason TimeFromText(std::string_view text, TimeUnit unit, TimeMs* time);

// A field's time: RFC 3339 as ParseTime takes it, or a number in the unit; seconds are rounded to milliseconds.
// kBadType, kOutOfRange outside the years 0 to 9999.
Reason FieldTimeFromText(std::string_view text, TimeUnit unit, TimeMs* time);
Reason FieldTimeFromNumber(const Number& number, TimeUnit unit, NumberStyle style, TimeMs* time);

// kNone when valid UTF-8 `key` can name a customer, kMissingKey when it is empty, kBadKey when it is too long or has a
// control character (C0, DEL, C1).
Reason CheckKey(std::string_view key);
// Checks a key and puts it into the record; with `is_int` only an integer will do, and it goes in its shortest form.
Reason TakeKey(std::string_view key, bool is_int, RecordBuilder* out);

// One sentence, without a full stop, when the text is a plausible time in another unit than the declared one, such as
// "1735689896 looks like seconds (2025-01-01T00:04:56.000Z), but the declared unit is ms"; empty when nothing is wrong
// or nothing can be said. `raw_time_text` may have its JSON quotes.
std::optional<std::string> SuspiciousUnit(TimeUnit declared, std::string_view raw_time_text);

}  // namespace ebb
