// SPDX-License-Identifier: GPL-2.0-or-later
// The changer's file: what it holds survives, and nothing else is ever overwritten.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "device/smc/model.h"
#include "store/library.h"
#include "store/smc/smc.h"

namespace tgt::store {
namespace {

namespace fs = std::filesystem;

class LibraryFile : public testing::Test {
  protected:
    LibraryFile() {
        char name[] = "/tmp/library-test-XXXXXX";
        folder = mkdtemp(name);
        path = folder / "smc";
    }
    ~LibraryFile() override { fs::remove_all(folder); }

    void write(const std::string& text) const { std::ofstream(path) << text; }
    std::string read() const {
        std::ostringstream out;
        out << std::ifstream(path).rdbuf();
        return out.str();
    }
    Result<std::unique_ptr<Store>> open(bool force = false) const {
        OpenRequest request;
        request.path = path;
        request.flags.force = force;
        return smc_engine.open(request);
    }
    static Inventory some() {
        Inventory out;
        out.media_home = "/tapes";
        out.elements[1].kind = ElementKind::transport;
        for (uint16_t i = 0; i < 3; ++i) out.elements[uint16_t(1000 + i)] = {};
        out.elements[500].kind = ElementKind::drive;
        out.elements[500].drive = DrivePlace{3, 7};
        out.elements[500].cartridge = Cartridge{"A00001L8", "TAG", 2, 1001};
        out.elements[10].kind = ElementKind::import_export;
        out.elements[10].by_operator = true;
        out.elements[10].cartridge = Cartridge{"B00001L8", "", 1, {}};
        return out;
    }

    // Under which it is written before it takes the place of the old one.
    fs::path beside() const {
        return path.parent_path() / ("." + path.filename().string() + ".tmp");
    }

    fs::path folder, path;
};

TEST_F(LibraryFile, WhatWasSavedIsThereAgain) {
    write("");
    {
        const auto store = open();
        ASSERT_TRUE(store) << store.error().text;
        EXPECT_EQ((*store)->library()->opened(), Inventory());
        ASSERT_TRUE((*store)->library()->save(some()));
    }
    const auto again = open();
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ((*again)->library()->opened(), some());
    EXPECT_FALSE(fs::exists(beside()));
}

TEST_F(LibraryFile, AFileOfZerosIsAnEmptyLibrary) {  // as tgt's users make it
    write(std::string(1024, '\0'));
    const auto store = open();
    ASSERT_TRUE(store) << store.error().text;
    EXPECT_TRUE((*store)->library()->opened().elements.empty());
}

TEST_F(LibraryFile, OtherDataIsRefusedAndLeftAlone) {
    const std::string zeros(1000, '\0');
    for (const std::string& text : {std::string("x"), zeros + "x", std::string("{}"),
                                    std::string("{\"format\": \"another\"}")}) {
        write(text);
        const auto store = open();
        ASSERT_FALSE(store) << text;
        EXPECT_NE(store.error().text.find(path.string()), std::string::npos);
        EXPECT_EQ(read(), text);
    }
}

TEST_F(LibraryFile, ADamagedOneIsRefusedAndLeftAlone) {
    const std::string whole = inventory_text(some());
    for (const size_t cut : {whole.size() / 2, whole.size() - 3}) {
        write(whole.substr(0, cut));
        const auto store = open();
        ASSERT_FALSE(store);
        EXPECT_NE(store.error().text.find("damaged"), std::string::npos) << store.error().text;
        EXPECT_EQ(read(), whole.substr(0, cut));
    }
}

TEST_F(LibraryFile, AFileThatIsNotThereIsAnError) {
    EXPECT_FALSE(open());
    path = folder;
    EXPECT_FALSE(open()) << "a folder";
}

TEST_F(LibraryFile, OnlyOneChangerHasIt) {
    write("");
    const auto first = open();
    ASSERT_TRUE(first);
    ASSERT_TRUE((*first)->library()->save(some()));
    const auto second = open();
    ASSERT_FALSE(second) << "the lock is that of the new file, too";
    EXPECT_EQ(second.error().code, EBUSY);
}

TEST_F(LibraryFile, TheNameOfALinkStaysALink) {
    write("");
    const fs::path link = folder / "link";
    fs::create_symlink(path, link);
    OpenRequest request;
    request.path = link;
    const auto store = smc_engine.open(request);
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->library()->save(some()));
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_FALSE(read().empty());
}

TEST_F(LibraryFile, WhatCannotBeSavedLeavesTheOldOne) {
    write("");
    const auto store = open();
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->library()->save(some()));
    const std::string before = read();
    fs::create_directory(beside());
    EXPECT_FALSE((*store)->library()->save(Inventory()));
    EXPECT_EQ(read(), before);
}

// A cartridge in the same folder may have any name that a barcode may be.
TEST_F(LibraryFile, NoCartridgeBesideItIsOverwritten) {
    write("");
    EXPECT_FALSE(barcode_fault(beside().filename().string()).empty());
    const fs::path cartridge = path.string() + ".tmp";
    EXPECT_TRUE(barcode_fault(cartridge.filename().string()).empty());
    std::ofstream(cartridge) << "data";
    const auto store = open();
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->library()->save(some()));
    EXPECT_EQ(fs::file_size(cartridge), 4u);
}

struct Wrong {
    const char* from;
    const char* to;
};

TEST(InventoryText, WhatDoesNotFitTogetherIsRefused) {
    const std::string good =
        R"({"format":"tgt changer 1","media_home":"/t","elements":[)"
        R"({"kind":"storage","start":10,"count":2},{"kind":"drive","start":20,"count":1}],)"
        R"("drives":[{"address":20,"tid":1,"lun":2}],)"
        R"("cartridges":[{"address":10,"barcode":"A"},{"address":11,"barcode":"B","source":10}]})";
    ASSERT_TRUE(parse_inventory(good)) << parse_inventory(good).error().text;
    const Wrong table[] = {
        {"changer 1", "changer 2"},
        {"storage", "shelf"},
        {"\"start\":10", "\"start\":-1"},
        {"\"count\":2", "\"count\":65530"},
        {"\"start\":20", "\"start\":11"},
        {"\"address\":20", "\"address\":10"},
        {"\"barcode\":\"B\"", "\"barcode\":\"A\""},
        {"\"barcode\":\"B\"", "\"barcode\":\"../B\""},
        {"\"address\":11", "\"address\":10"},
        {"\"address\":11", "\"address\":12"},
        {"\"source\":10", "\"source\":70000"},
        {"\"tid\":1", "\"tid\":\"1\""},
        {"\"/t\"", "7"},
        {"\"count\":2}", "\"count\":2},3"},
    };
    for (const Wrong& row : table) {
        std::string text = good;
        const size_t at = text.find(row.from);
        ASSERT_NE(at, std::string::npos) << row.from;
        text.replace(at, std::string(row.from).size(), row.to);
        const auto parsed = parse_inventory(text);
        EXPECT_FALSE(parsed) << row.to;
    }
}

}  // namespace
}  // namespace tgt::store
