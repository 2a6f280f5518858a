"""The statement of method in every evidence package: how the platform works, and how to verify by oneself."""

_SAID = (
    (
        "医院等机构以自有密钥（secp256k1，EIP-712）对每一项行为签名，形成陈述；平台只保存和排序，不能代为签名。",
        "Institutions sign each act with a key of their own (secp256k1, EIP-712); the platform stores and orders "
        "what they signed, and cannot sign for them.",
    ),
    (
        "全部陈述按先后写入一份只增不改的日志（RFC 6962/9162 默克尔树，SHA-256）。",
        "All statements enter one append-only log in one order (a Merkle tree by RFC 6962/9162, SHA-256).",
    ),
    (
        "日志的链头由以太坊兼容区块链上的合约见证；合约自行核验一致性证明，任何改写、回退、分叉都不被接受。",
        "The log's head is witnessed by a contract on an Ethereum-compatible chain, which checks the consistency "
        "proof itself: no rewriting, rollback or fork is accepted.",
    ),
    (
        "陈述的内容只以加盐哈希进入日志；各部分可以分别出示，未出示的部分列明名称与哈希。",
        "The log has salted hashes of the content alone; parts are shown one by one, and withheld ones are listed "
        "with name and hash.",
    ),
    (
        "签名时间有上下界：晚于其所引用链头之前一区块，早于首个覆盖它的链头所在区块；时间均取自区块。",
        "The time of signing has two bounds: after the block before the head that it names, before the block of "
        "the first head that covers it; both times are the blocks'.",
    ),
    (
        "谁的密钥在何时有效，由链上登记册的变更记录决定；全部变更折叠为一个链头，随证据包给出。",
        "Whose key was in force when follows from the registry on the chain; all its changes, which fold to one "
        "head, are in the package.",
    ),
    (
        "核验方法：取得独立来源的信任文件，运行 huzheng verify 证据包 --trust 信任文件；无需网络、时钟或本平台。",
        "To verify: get a trust file from an independent source and run huzheng verify PACKAGE --trust TRUST; no "
        "network, no clock and no part of this platform is needed.",
    ),
    (
        "格式公开（docs/spec），并附测试向量，可由他人另行实现核验程序。",
        "The formats are public (docs/spec) with test vectors, so that others can write a verifier of their own.",
    ),
)

METHOD = [{"en": en, "zh": zh} for zh, en in _SAID]
