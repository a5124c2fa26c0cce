// The two contracts by which records enter: a Log is one sequence of raw records with offsets (a file, a partition), a
// Decoder turns the bytes of one of them into a record. Connectors implement both; the engine sees nothing else of
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/stream/record.h"

namespace ebb {

// Readable bytes that must follow every RawRecord's bytes (their content doesn't matter).
inline constexpr size_t kReadPadding = 64;

struct RawRecord {
  int64_t offset;
  std::string_view bytes;         // without the line's end; valid until the log's next Read
  Reason reason = Reason::kNone;  // kTooLarge or kCsvSyntax when framing already failed; bytes then hold its beginning
  // Of logs that have them.
  std::string_view key = {};         // the message's key as it was sent; valid as long as bytes
  TimeMs append_time = kBeforeTime;  // when the log took the record, by the log's own clock
  bool null_value = false;           // there is no value at all; bytes is empty
};

// Confined to its task's thread.
class Log {
 public:
  virtual ~Log() = default;

  // Replaces `out` by up to `max_records` further records (at least one unless the log has ended). An error says what
  // failed and ends the run; the log stays where it was.
  virtual absl::Status Read(size_t max_records, std::vector<RawRecord>* out) = 0;
  // Nothing is left to read.
  virtual bool ended() const = 0;
  // Whether offsets, which always ascend, may leave numbers out (transaction markers, compaction).
  virtual bool sparse() const { return false; }
  // Goes to a record before the first Read; an offset past the end is OutOfRange.
  virtual absl::Status Seek(int64_t offset) = 0;
  // Names the log to people: a path, or topic and partition.
  virtual const std::string& name() const = 0;
  // Tells this log from another of the same name: size and a checksum of the beginning; empty when unknown (stdin).
  virtual const std::string& identity() const = 0;
  // Share of the log that has been read, 0..1; negative when unknown.
  virtual double progress() const = 0;
};

// A log that grows: a partition. Read may give nothing: it is at its end for now. A record that was given is committed
// for good. Offsets ascend and may have gaps. Confined to its task's thread.
class LiveLog : public Log {
 public:
  bool ended() const final { return false; }
  bool sparse() const final { return true; }
  double progress() const override { return -1; }

  // Goes to an offset before the first Read. OutOfRange, with what to do, when records from there on are gone, or when
  // the log ends before it.
  absl::Status Seek(int64_t offset) override = 0;
  // The next offset to read, known from the start (a log that no Seek moved begins where its connector says). Behind
  // the last record that was given, and behind what will never be given (markers) once that is known.
  virtual int64_t position() const = 0;
  // One past the newest offset that a reader of committed data may see, as of the last Read; -1 when it isn't known, or
  // when the last answer of the log's server is too old to tell. position() == end_offset(): caught up.
  virtual int64_t end_offset() const = 0;
};

// Confined to its task's thread.
class Decoder {
 public:
  virtual ~Decoder() = default;

  // Fills `out` from the bytes of one record, which are followed by kReadPadding readable bytes. Reason::kNone means
  // that key, time and every required field are there. With a reason, `out` is unspecified, but kMissingKey may come
  // with the rest filled in (the schema may let it pass).
  virtual Reason Decode(std::string_view bytes, RecordBuilder* out) = 0;
  // A message with a key and no value. Reason::kNone means that it deletes what a reference source has said of the
  // customer: the key is there, and all slots say null.
  virtual Reason DecodeTombstone(std::string_view /*key*/, RecordBuilder* /*out*/) { return Reason::kNullValue; }
};

struct LogInput {
  std::unique_ptr<Log> log;
  std::unique_ptr<Decoder> decoder;
};

}  // namespace ebb
