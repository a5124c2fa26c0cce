// The section `kafka:`, and what a source that is a topic says of its partitions.
#include <fmt/format.h>

#include "config/assembler.h"
#include "connectors/kafka/connection.h"

namespace ebb {
namespace {

constexpr std::string_view kPartitioners[] = {"murmur2", "crc32"};
constexpr std::string_view kMisplaced[] = {"fail", "quarantine", "warn"};

bool IsTopicName(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), good);
}

}  // namespace

void Assembler::ReadKafka(const YamlNode& node, Span where) {
  MappingReader reader(node, where, "'kafka:'", diagnostics_);
  if (!reader.ok()) return;
  KafkaConfig& kafka = out_.kafka.emplace();
  const std::pair<std::string_view, std::string*> kTexts[] = {
      {"brokers", &kafka.brokers}, {"group", &kafka.group}, {"journal", &kafka.journal}, {"instance", &kafka.instance}};
  for (auto [name, text] : kTexts) {
    const YamlNode* value = name == "brokers" ? reader.Require(name) : reader.Take(name);
    if (value == nullptr) continue;
    *text = ReadText(*value, name, diagnostics_).value_or("");
    if (text->empty() && value->is_scalar() && !value->unknown) {
      diagnostics_->Add("E0203", value->span, fmt::format("'{}:' is empty", name));
    } else if (name == "journal" && !text->empty() && !IsTopicName(*text)) {
      diagnostics_->Add("E0203", value->span, fmt::format("{} can't be the name of a topic", ShownText(*value)),
                        "letters, digits, dots, underscores and hyphens, at most 249");
    }
  }
  if (kafka.group.empty()) kafka.group = plan_.pipeline;
  if (kafka.journal.empty()) kafka.journal = kafka.group + "-journal";
  if (const YamlNode* client = reader.Take("client")) ReadClientProperties(*client, &kafka);
  reader.Finish();
}

void Assembler::ReadClientProperties(const YamlNode& node, KafkaConfig* kafka) {
  if (!node.is_mapping()) {
    diagnostics_->Add("E0103", node.span, "'client:' takes a mapping {property: value}");
    return;
  }
  std::vector<std::string> known;
  for (const ClientProperty& property : ClientProperties()) known.emplace_back(property.name);
  for (size_t i = 0; i < node.keys.size(); ++i) {
    const YamlNode& key = node.keys[i];
    const YamlNode& value = node.values[i];
    const std::optional<std::string> text = ReadText(value, key.text, diagnostics_);
    if (!text) continue;
    if (FindClientProperty(key.text) == nullptr) {
      diagnostics_->Add("E0701", key.span, fmt::format("the Kafka client property {} can't be set", Quoted(key.text)),
                        DidYouMean(key.text, known));
      continue;
    }
    const absl::Status status = CheckClientProperty(key.text, *text);
    if (!status.ok()) {
      diagnostics_->Add(
          "E0702", value.span,
          value.secret ? fmt::format("{} can't have this value", Quoted(key.text)) : std::string(status.message()));
    }
    kafka->client[key.text] = *text;
  }
}

void Assembler::ReadPartitioner(MappingReader* reader, SourceConfig* source) {
  const YamlNode* partitioner = reader->Take("partitioner");
  const YamlNode* misplaced = reader->Take("misplaced");
  for (auto [name, node] : {std::pair{"partitioner", partitioner}, std::pair{"misplaced", misplaced}}) {
    if (node == nullptr || source->origin == SourceConfig::Origin::kTopic) continue;
    diagnostics_->Add("E0113", reader->KeySpan(name), fmt::format("'{}:' belongs to 'topic:'", name),
                      "files and generators have no partitions");
  }
  if (partitioner != nullptr) {
    const std::optional<size_t> index = ReadWord(*partitioner, "partitioner", kPartitioners, diagnostics_);
    if (index) source->partitioner = *index == 0 ? Partitioner::kMurmur2 : Partitioner::kCrc32;
  }
  if (misplaced == nullptr) return;
  if (partitioner == nullptr) {
    diagnostics_->Add("E0113", reader->KeySpan("misplaced"), "'misplaced:' belongs to 'partitioner:'",
                      "what is misplaced is told by a partitioner, as in partitioner: murmur2");
  }
  if (const std::optional<size_t> index = ReadWord(*misplaced, "misplaced", kMisplaced, diagnostics_)) {
    source->misplaced = static_cast<MisplacedRecords>(*index);
  }
}

}  // namespace ebb
