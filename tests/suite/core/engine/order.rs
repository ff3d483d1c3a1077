use super::*;

/// The calls that one command causes, in order, with the phase on the board at each.
type Trace = Rc<RefCell<Vec<String>>>;

struct Recorder {
    trace: Trace,
    board: Arc<Board>,
}

impl Recorder {
    fn record(&self, what: &str) {
        let board = self.board.latest();
        let posted = format!("{what}, board says {}", board.timer.at(BOOT).phase);
        self.trace.borrow_mut().push(posted);
    }
}

impl Strip for Recorder {
    fn show(&mut self, frame: &[Rgb], _: Option<&Scene>) -> Result<(), StripError> {
        let green = frame[1] == Palette::CLASSIC.green;
        self.record(if green { "show green" } else { "show ready" });
        Ok(())
    }

    fn leds_max(&self, _: Chip) -> usize {
        usize::MAX
    }
}

impl Keeper for Recorder {
    fn keep(&mut self, timer: &Timer) -> io::Result<()> {
        self.record(&format!("keep {}", timer.at(BOOT).phase));
        Ok(())
    }

    fn forget(&mut self) {}

    fn shown(&mut self, _: Moment, phase: Phase, _: &[Rgb]) {
        self.record(&format!("shown {phase}"));
    }
}

#[test]
fn save_then_show_then_publish() {
    let (trace, board) = (Trace::default(), board(look(), Timer::new(plan("lightning"), 0)));
    let recorder = || Recorder { trace: Rc::clone(&trace), board: Arc::clone(&board) };
    let (mut strip, mut keeper) = (recorder(), recorder());
    let mut engine = Engine::new(&mut strip, &mut keeper, &board, BOOT);
    engine.step(None, BOOT);
    trace.borrow_mut().clear();

    let request = Request {
        action: Action::Command(START),
        generation: None,
        deadline: None,
        origin: Origin::Button,
        reply: None,
    };
    engine.step(Some(Event::Request(request)), BOOT);
    let expected = ["keep green, board says ready", "show green, board says ready", "shown green, board says ready"];
    assert_eq!(*trace.borrow(), expected);
    assert_eq!(board.latest().timer.at(BOOT).phase, Phase::Green);
}

/// When the reply arrives, the board already has the new state.
#[test]
fn publish_then_reply() {
    let mut sim = Sim::new(look());
    let (send, waiting) = sync_channel(0);
    let board = Arc::clone(&sim.board);
    let asker = thread::spawn(move || {
        for _ in 0..200 {
            let (reply, answer) = sync_channel(1);
            send.send(reply).unwrap();
            let answered: talklight::engine::event::Answer = answer.recv().unwrap();
            assert_eq!(board.latest().timer, answered.snapshot.timer);
        }
    });
    for name in ["start", "reset", "undo", "reset"].into_iter().cycle().take(200) {
        let command = command(name).0;
        sim.model.apply(command, sim.now);
        let reply = Some(waiting.recv().unwrap());
        let request = Request {
            action: Action::Command(command),
            generation: None,
            deadline: None,
            origin: Origin::Socket,
            reply,
        };
        sim.step(Some(Event::Request(request)));
    }
    asker.join().unwrap();
}

#[test]
fn a_dropped_reply_channel_does_no_harm() {
    let mut sim = Sim::new(look());
    for command in [START, Command::Reset] {
        sim.model.apply(command, sim.now);
        let (reply, answer) = sync_channel(1);
        drop(answer);
        let reply = Some(reply);
        sim.step(Some(Event::Request(Request {
            action: Action::Command(command),
            generation: None,
            deadline: None,
            origin: Origin::Socket,
            reply,
        })));
    }
    sim.play("ready");
}
