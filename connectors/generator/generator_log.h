// Generated streams as logs, so that a pipeline with `generate: telecom.calls` runs without any input, and as files.
// Every opening of the same stream with the same options reads the same records.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "connectors/generator/telecom.h"
#include "engine/stream/log.h"

namespace ebb {

// `name` is "telecom.calls", "telecom.recharges" or "telecom.complaints". NotFound for another name, InvalidArgument
// for options out of range.
absl::StatusOr<std::unique_ptr<Log>> OpenGenerator(const std::string& name, const TelecomOptions& options);

// Writes calls.jsonl, recharges.jsonl, complaints.jsonl and customers.jsonl (the truth) into a directory that exists;
// files of these names are replaced.
absl::Status WriteTelecom(const TelecomOptions& options, const std::string& directory);

}  // namespace ebb
