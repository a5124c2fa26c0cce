// The section `sources:`: where records come from, their key, time and fields, and what is computed from them.
#include <charconv>

#include <fmt/format.h>

#include "config/assembler.h"
#include "config/dependency.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

constexpr std::string_view kKinds[] = {"events", "reference"};
constexpr std::string_view kFormats[] = {"json", "csv"};
constexpr std::string_view kUnits[] = {"s", "ms", "us", "rfc3339"};
constexpr std::string_view kLate[] = {"accept", "quarantine"};
constexpr std::string_view kMissingKeys[] = {"quarantine", "filter"};
constexpr std::string_view kKeyTypes[] = {"text", "int"};
constexpr std::string_view kMissingIds[] = {"quarantine", "accept"};
constexpr DurationMs kDefaultDedup = kDay;

// JSON pointer of a member of the top object.
std::string PointerOf(std::string_view name) {
  std::string pointer = "/";
  for (char c : name) pointer += c == '~' ? "~0" : (c == '/' ? "~1" : std::string(1, c));
  return pointer;
}

bool IsPointer(std::string_view text) {
  if (text.empty() || text[0] != '/' || std::count(text.begin(), text.end(), '/') > kMaxDepth) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') continue;
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  }
  return true;
}

// The text as a number of 10^-decimals units; empty when it is none or has more digits.
std::optional<int64_t> ParseUnits(std::string_view text, int decimals) {
  size_t dot = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, dot));
  std::string fraction(dot < text.size() ? text.substr(dot + 1) : "");
  if (fraction.size() > static_cast<size_t>(decimals) || (dot < text.size() && fraction.empty())) return std::nullopt;
  if (digits.empty() || digits == "-" || fraction.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  digits += fraction + std::string(static_cast<size_t>(decimals) - fraction.size(), '0');
  int64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

ExprType ExprTypeOf(FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return ExprType::kBool;
    case FieldType::kString:
      return ExprType::kText;
    case FieldType::kTime:
      return ExprType::kTime;
    default:
      return ExprType::kNumber;
  }
}

std::string FieldTypeText(FieldType type, int decimals) {
  switch (type) {
    case FieldType::kInt:
      return "int";
    case FieldType::kDecimal:
      return fmt::format("decimal({})", decimals);
    case FieldType::kBool:
      return "bool";
    case FieldType::kString:
      return "string";
    case FieldType::kTime:
      return "time";
  }
  return "";
}

std::string LastPart(const std::string& path, Format format) {
  return format == Format::kCsv ? path : path.substr(path.rfind('/') + 1);
}

void Assembler::ReadSources(const YamlNode& node) {
  for (size_t i : NamedEntries(node, "sources")) {
    if (out_.sources.size() == kMaxSources) {
      diagnostics_->Add("E0209", node.keys[i].span, fmt::format("more than {} sources", kMaxSources));
      return;
    }
    ReadSource(node.keys[i], node.values[i]);
  }
  if (node.is_mapping() && node.keys.empty()) {
    diagnostics_->Add("E0102", node.span, "there must be at least one source");
  }
}

void Assembler::ReadSource(const YamlNode& key, const YamlNode& node) {
  SourceConfig source;
  auto draft = std::make_unique<SourceDraft>();
  draft->name = key.text;
  source.schema.name = key.text;
  source.schema.ordinal = static_cast<uint16_t>(out_.sources.size());
  MappingReader reader(node, key.span, fmt::format("source {}", Quoted(key.text)), diagnostics_);
  draft->broken = !reader.ok();
  constexpr std::string_view kOrigins[] = {"file", "topic", "generate"};
  std::optional<std::string> origin = reader.ok() ? reader.ExactlyOne(kOrigins) : std::nullopt;
  if (origin) {
    source.origin = *origin == "file"    ? SourceConfig::Origin::kFile
                    : *origin == "topic" ? SourceConfig::Origin::kTopic
                                         : SourceConfig::Origin::kGenerate;
    const YamlNode& location = *node.Find(*origin);
    source.location = ReadText(location, *origin, diagnostics_).value_or("");
    source.folder = out_.parts[location.span.begin.file].folder;
  }
  if (const YamlNode* kind = reader.Take("kind")) {
    draft->reference = ReadWord(*kind, "kind", kKinds, diagnostics_) == size_t{1};
  }
  if (const YamlNode* format = reader.Take("format")) {
    size_t index = ReadWord(*format, "format", kFormats, diagnostics_).value_or(0);
    source.schema.format = index == 0 ? Format::kJson : Format::kCsv;
    if (index == 1 && origin == "generate") {
      diagnostics_->Add("E0113", format->span, "generated records are JSON", "leave 'format:' away");
    }
  }
  ReadPartitioner(&reader, &source);
  ReadKeyAndTime(&reader, &source.schema);
  if (const YamlNode* time = reader.Require("time")) ReadTime(*time, reader.KeySpan("time"), &source);
  const YamlNode* fields = reader.Take("fields");
  const YamlNode* where = reader.Take("where");
  ReadId(&reader, &source, draft.get());
  if (fields != nullptr) ReadFields(*fields, &source, draft.get());
  if (where != nullptr) {
    if (std::optional<Expression> expression = Parse(*where, "where")) {
      out_.texts["source " + key.text] = expression->source;
      source.derived.filter.begin = draft->builder.position();
      source.derived.filter_reg = CompileRecord(*where, *expression, Want::kCondition, draft.get()).reg;
      source.derived.filter.end = draft->builder.position();
    }
  }
  reader.Finish();
  plan_.sources.push_back(key.text);
  out_.sources.push_back(std::move(source));
  drafts_.push_back(std::move(draft));
}

void Assembler::ReadKeyAndTime(MappingReader* reader, SourceSchema* schema) {
  const YamlNode* key = reader->Take("key");
  schema->key_path = key != nullptr ? ReadPath(*key, "key", schema->format)
                                    : (schema->format == Format::kJson ? PointerOf(out_.entity_key) : out_.entity_key);
  if (const YamlNode* type = reader->Take("key_type")) {
    schema->key_is_int = ReadWord(*type, "key_type", kKeyTypes, diagnostics_).value_or(0) == 1;
  }
  const YamlNode* missing = reader->Take("missing_key");
  if (missing == nullptr) return;
  if (!missing->is_mapping()) {
    size_t index = ReadWord(*missing, "missing_key", kMissingKeys, diagnostics_).value_or(0);
    schema->missing_key = index == 0 ? MissingKey::kQuarantine : MissingKey::kFilter;
    return;
  }
  MappingReader use(*missing, reader->KeySpan("missing_key"), "'missing_key:'", diagnostics_);
  if (const YamlNode* text = use.Require("use")) {
    schema->missing_key = MissingKey::kUse;
    schema->missing_key_value = ReadText(*text, "use", diagnostics_).value_or("");
    if (schema->missing_key_value.size() > kMaxKeyBytes) {
      diagnostics_->Add("E0203", text->span, fmt::format("a key has at most {} bytes", kMaxKeyBytes));
    }
  }
  use.Finish();
}

// The id gets the source's first slot. It is no field of the language: expressions don't see it.
void Assembler::ReadId(MappingReader* reader, SourceConfig* source, SourceDraft* draft) {
  const YamlNode* id = reader->Take("id");
  const YamlNode* within = reader->Take("dedup");
  const YamlNode* max_ids = reader->Take("max_ids");
  const YamlNode* missing = reader->Take("missing_id");
  if (id == nullptr) {
    for (std::string_view key : {"dedup", "max_ids", "missing_id"}) {
      if (reader->Take(key) == nullptr) continue;
      diagnostics_->Add("E0113", reader->KeySpan(key), fmt::format("'{}:' belongs to 'id:'", key),
                        "duplicates are told by an id, as in id: /record_id");
    }
    return;
  }
  SourceSchema& schema = source->schema;
  DedupPlan plan;
  plan.source = schema.ordinal;
  plan.slot = schema.id_slot = static_cast<int>(schema.fields.size());
  plan.within = kDefaultDedup;
  Field field;
  field.path = ReadPath(*id, "id", schema.format);
  field.name = LastPart(field.path, schema.format);
  field.type = FieldType::kString;
  field.required = false;
  if (within != nullptr) {
    plan.within = ReadDuration(*within, "dedup", diagnostics_).value_or(kDefaultDedup);
    if (plan.within == 0) {
      diagnostics_->Add("E0203", within->span, "'dedup:' must be more than nothing",
                        "leave 'id:' away to keep duplicates");
    }
  }
  if (max_ids != nullptr) {
    plan.max_ids = static_cast<int>(ReadInteger(*max_ids, "max_ids", 1, kMaxKept, diagnostics_).value_or(1));
  }
  if (missing != nullptr) schema.id_required = ReadWord(*missing, "missing_id", kMissingIds, diagnostics_) != size_t{1};
  draft->fields.push_back({field.name, field.type, 0, true});
  draft->builder.NewRegister();
  schema.fields.push_back(std::move(field));
  plan_.dedup.push_back(plan);
}

void Assembler::ReadTime(const YamlNode& node, Span where, SourceConfig* source) {
  TimeSpec& time = source->schema.time;
  MappingReader reader(node, where, "'time:'", diagnostics_);
  if (const YamlNode* field = reader.Require("field")) time.path = ReadPath(*field, "field", source->schema.format);
  if (const YamlNode* unit = reader.Require("unit")) {
    time.unit = static_cast<TimeUnit>(ReadWord(*unit, "unit", kUnits, diagnostics_).value_or(0));
  }
  if (const YamlNode* disorder = reader.Take("disorder")) {
    time.disorder = ReadDuration(*disorder, "disorder", diagnostics_).value_or(0);
  }
  if (const YamlNode* jump = reader.Take("max_jump")) {
    time.max_jump = ReadDuration(*jump, "max_jump", diagnostics_);
    if (time.max_jump == 0) {
      diagnostics_->Add("E0203", jump->span, "'max_jump:' must be more than nothing", "leave it away for no limit");
    }
  }
  if (const YamlNode* idle = reader.Take("idle_after")) {
    time.idle_after = ReadDuration(*idle, "idle_after", diagnostics_).value_or(time.idle_after);
  }
  if (const YamlNode* ahead = reader.Take("max_ahead")) {
    time.max_ahead = ReadDuration(*ahead, "max_ahead", diagnostics_);
  }
  if (const YamlNode* late = reader.Take("late")) {
    time.quarantine_late = ReadWord(*late, "late", kLate, diagnostics_) == size_t{1};
  }
  reader.Finish();
}

std::string Assembler::ReadPath(const YamlNode& node, std::string_view what, Format format) {
  std::optional<std::string> text = ReadText(node, what, diagnostics_);
  if (!text) return "";
  bool pointer = text->substr(0, 1) == "/";
  if (text->empty()) {
    diagnostics_->Add("E0208", node.span, fmt::format("'{}:' is empty", what));
    return "";
  }
  if (format == Format::kCsv) {
    if (pointer) {
      diagnostics_->Add("E0208", node.span, fmt::format("{} is a JSON pointer, but the format is csv", ShownText(node)),
                        "write the name of the column");
    }
    return *text;
  }
  if (!pointer) return PointerOf(*text);
  if (!IsPointer(*text)) {
    diagnostics_->Add("E0208", node.span, fmt::format("{} isn't a JSON pointer", ShownText(node)),
                      fmt::format("as in /subscriber/id, at most {} levels; ~ is written ~0", kMaxDepth));
  }
  return *text;
}

void Assembler::ReadFields(const YamlNode& node, SourceConfig* source, SourceDraft* draft) {
  if (!node.is_mapping()) draft->broken = true;
  std::vector<size_t> computed;
  for (size_t i : NamedEntries(node, "fields")) {
    const YamlNode& value = node.values[i];
    if (value.is_mapping() && value.Find("expr") != nullptr) {
      if (draft->reference) {
        diagnostics_->Add("E0113", node.keys[i].span, "a reference source has no computed fields",
                          "compute it where it is read, from SOURCE.FIELD");
        draft->broken = true;
        continue;
      }
      computed.push_back(i);
      continue;
    }
    Field field;
    bool good = ReadField(node.keys[i], value, source->schema.format, &field);
    int slot = static_cast<int>(source->schema.fields.size());
    Symbol symbol;
    symbol.index = slot;
    symbol.reg = draft->builder.NewRegister();
    if (good) symbol.type = ExprTypeOf(field.type);
    draft->names[field.name] = symbol;
    draft->fields.push_back({field.name, field.type, field.decimals, !field.required && !field.missing});
    source->schema.fields.push_back(std::move(field));
  }
  ReadComputed(node, computed, source, draft);
  if (draft->fields.size() > kMaxFields) {
    diagnostics_->Add("E0209", node.keys[std::min<size_t>(kMaxFields, node.keys.size() - 1)].span,
                      fmt::format("source {} has more than {} fields", Quoted(draft->name), kMaxFields));
  }
}

bool Assembler::ReadField(const YamlNode& key, const YamlNode& node, Format format, Field* field) {
  field->name = key.text;
  MappingReader reader(node, key.span, fmt::format("field {}", Quoted(key.text)), diagnostics_);
  if (!reader.ok()) return false;
  const YamlNode* path = reader.Take("path");
  field->path =
      path != nullptr ? ReadPath(*path, "path", format) : (format == Format::kJson ? PointerOf(key.text) : key.text);
  const YamlNode* type = reader.Require("type");
  bool good = type != nullptr && ReadType(*type, &field->type, &field->decimals);
  const YamlNode* missing = reader.Take("missing");
  if (missing != nullptr && good) field->missing = ReadSlotValue(*missing, field->type, field->decimals);
  if (const YamlNode* optional = reader.Take("optional")) {
    field->required = !ReadBool(*optional, "optional", diagnostics_).value_or(true);
    if (missing != nullptr) {
      diagnostics_->Add("E0113", reader.KeySpan("optional"),
                        fmt::format("field {} has both 'missing:' and 'optional:'", Quoted(key.text)),
                        "a field with 'missing:' is never null");
    }
  }
  // Asked for last, so that it is known as a key beside the others.
  reader.Take("expr");
  reader.Finish();
  return good;
}

bool Assembler::ReadType(const YamlNode& node, FieldType* type, int* decimals) {
  std::optional<std::string> text = ReadText(node, "type", diagnostics_);
  if (!text) return false;
  static constexpr std::pair<std::string_view, FieldType> kTypes[] = {{"int", FieldType::kInt},
                                                                      {"bool", FieldType::kBool},
                                                                      {"string", FieldType::kString},
                                                                      {"hash", FieldType::kString},
                                                                      {"time", FieldType::kTime}};
  for (auto [name, value] : kTypes) {
    if (*text == name) {
      *type = value;
      return true;
    }
  }
  if (text->size() == 10 && text->substr(0, 8) == "decimal(" && (*text)[8] >= '0' && (*text)[8] <= '9' &&
      (*text)[9] == ')') {
    *type = FieldType::kDecimal;
    *decimals = (*text)[8] - '0';
    return true;
  }
  const std::vector<std::string> known = {"int", "decimal(2)", "bool", "string", "hash", "time"};
  static constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
      {"decimal", "decimal(2)"}, {"float", "decimal(2)"}, {"double", "decimal(2)"}, {"number", "decimal(2)"},
      {"integer", "int"},        {"long", "int"},         {"boolean", "bool"},      {"text", "string"}};
  std::string hint = DidYouMean(*text, known);
  for (auto [name, ours] : kElsewhere) {
    if (*text == name) hint = fmt::format("write {}", ours);
  }
  if (text->substr(0, 8) == "decimal(") hint = "decimal(0) to decimal(9)";
  diagnostics_->Add("E0112", node.span, fmt::format("unknown type {}", ShownText(node)), node.secret ? "" : hint,
                    {KnownNames(known)});
  return false;
}

std::optional<int64_t> Assembler::ReadSlotValue(const YamlNode& node, FieldType type, int decimals) {
  std::optional<std::string> text = ReadText(node, "value", diagnostics_);
  if (!text) return std::nullopt;
  std::optional<int64_t> value;
  if (type == FieldType::kString) {
    value = HashText(*text);
  } else if (type == FieldType::kBool) {
    if (*text == "true" || *text == "false") value = *text == "true" ? 1 : 0;
  } else if (type == FieldType::kTime) {
    value = ParseTime(*text);
  } else {
    value = ParseUnits(*text, decimals);
  }
  if (!value) {
    diagnostics_->Add("E0212", node.span,
                      fmt::format("{} isn't a value of type {}", ShownText(node), FieldTypeText(type, decimals)),
                      *text == "null" ? "write optional: true for a field that may be null" : "");
  }
  return value;
}

void Assembler::ReadComputed(const YamlNode& fields, const std::vector<size_t>& computed, SourceConfig* source,
                             SourceDraft* draft) {
  std::vector<std::string> names;
  std::vector<std::optional<Expression>> expressions;
  std::vector<const YamlNode*> nodes;
  for (size_t i : computed) {
    const YamlNode& key = fields.keys[i];
    MappingReader reader(fields.values[i], key.span, fmt::format("computed field {}", Quoted(key.text)), diagnostics_);
    nodes.push_back(reader.Require("expr"));
    const YamlNode* type = reader.Require("type");
    SourceDraft::FieldInfo info;
    bool good = type != nullptr && ReadType(*type, &info.type, &info.decimals);
    reader.Finish();
    info.name = key.text;
    info.nullable = info.type != FieldType::kBool;
    Symbol symbol;
    symbol.index = static_cast<int>(draft->fields.size());
    symbol.reg = draft->builder.NewRegister();
    draft->names[key.text] = symbol;
    draft->fields.push_back(info);
    names.push_back(key.text);
    expressions.push_back(Parse(*nodes.back(), "expr"));
    if (!good) expressions.back().reset();
    if (expressions.back()) {
      out_.texts[fmt::format("field {}.{}", draft->name, key.text)] = expressions.back()->source;
    }
  }
  std::vector<std::vector<std::string>> reads(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (expressions[i]) reads[i] = NamesIn(*expressions[i]);
  }
  DependencyOrder order = OrderByDependency(names, reads);
  for (const std::vector<int>& cycle : order.cycles) {
    diagnostics_->Add("E0307", nodes[cycle[0]]->span, "these fields need each other: " + ShowCycle(cycle, names));
  }
  for (int i : order.order) {
    if (!expressions[i]) continue;
    Symbol& symbol = draft->names[names[i]];
    const SourceDraft::FieldInfo& info = draft->fields[symbol.index];
    ExprType wanted = ExprTypeOf(info.type);
    DerivedFieldsPlan::Computed field;
    field.segment.begin = draft->builder.position();
    Want want = wanted == ExprType::kBool ? Want::kCondition : wanted == ExprType::kNumber ? Want::kNumber : Want::kAny;
    Compiled compiled = CompileRecord(*nodes[i], *expressions[i], want, draft);
    if (!compiled.ok) continue;
    if (compiled.type != wanted) {
      diagnostics_->Add("E0409", nodes[i]->span,
                        fmt::format("field {} is declared as {}, but this is {}", Quoted(names[i]),
                                    FieldTypeText(info.type, info.decimals), TypeName(compiled.type)));
      continue;
    }
    symbol.type = wanted;
    field.segment.end = draft->builder.position();
    field.reg = compiled.reg;
    field.slot = symbol.index;
    field.type = info.type;
    field.decimals = info.decimals;
    field.stored = symbol.reg;
    source->derived.computed.push_back(field);
  }
}

Scope Assembler::RecordScope(SourceDraft* draft) const {
  Scope scope;
  scope.builder = &draft->builder;
  scope.names = &draft->names;
  scope.names_are = "field";
  scope.time_reg = &draft->time_reg;
  for (const char* name : {"tenure", "now"}) {
    scope.hidden[name] = "belongs to customers; a condition on records reads fields only";
  }
  return scope;
}

Compiled Assembler::CompileRecord(const YamlNode& node, const Expression& expression, Want want, SourceDraft* draft) {
  if (draft->broken) return {};
  Scope scope = RecordScope(draft);
  Compiled compiled = Compile(node, expression, want, &scope);
  draft->read.resize(std::max(draft->read.size(), draft->fields.size()));
  for (int slot : compiled.reads) draft->read[slot] = true;
  return compiled;
}

void Assembler::FinishSources() {
  for (size_t s = 0; s < drafts_.size(); ++s) {
    const SourceDraft& draft = *drafts_[s];
    SourceConfig& source = out_.sources[s];
    for (size_t slot = 0; slot < source.schema.fields.size() && slot < draft.read.size(); ++slot) {
      const Field& field = source.schema.fields[slot];
      if (!draft.read[slot]) continue;
      source.derived.loads.push_back(
          {static_cast<int>(slot), field.type, field.decimals, draft.names.find(field.name)->second.reg});
    }
    for (const SourceDraft::FieldInfo& info : draft.fields) source.slot_names.push_back(info.name);
    source.derived.time_reg = draft.time_reg;
    source.derived.program = draft.builder.Build();
  }
}

}  // namespace ebb
