// Why a record could not be used: a closed list, the same in metrics, quarantine, summaries and tests. Data that can't
// be used is never an error and never skipped in silence.
#pragma once

#include <cstdint>
#include <string_view>

namespace ebb {

enum class Reason : uint8_t {
  kNone = 0,
  kJsonSyntax,      // not one JSON object: truncated, trailing bytes, NaN, a lone surrogate
  kCsvSyntax,       // unbalanced quotes, or another number of columns than the header has
  kEncoding,        // invalid UTF-8, or a NUL byte
  kTooLarge,        // longer than kMaxRecordBytes
  kTooDeep,         // nested deeper than kMaxDepth
  kTooManyFields,   // more than kMaxRecordFields
  kDuplicateField,  // a field that the pipeline reads occurs twice
  kMissingKey,      // no customer
  kBadKey,          // the key is no string or integer, longer than kMaxKeyBytes, or has control characters
  kMissingTime,
  kBadTime,         // not a time in the declared unit
  kTimeOutOfRange,  // outside [kEarliestTime, kLatestTime)
  kTimeJump,        // further ahead of the newest record than max_jump
  kMissingField,    // a field without `missing:` is absent or null
  kBadType,         // a field has another type than declared
  kOutOfRange,      // a number that its type can't hold
  kNullValue,       // an empty record
  kLate,            // late, and the source says `late: quarantine`
  kMissingId,       // no id, and the source has `id:` without `missing_id: accept`
  kTimeAhead,       // further ahead of the time at which its log took it than max_ahead
  kSkipped,         // by hand: an operator named its offset
  kCount,
};

inline constexpr int kReasonCount = static_cast<int>(Reason::kCount);

// "json_syntax", "missing_key", ...; "none" for kNone.
std::string_view ReasonName(Reason reason);
// One sentence for people, without a full stop.
std::string_view ReasonText(Reason reason);

}  // namespace ebb
