use super::*;

/// What was seen, and by whom, of a command on its way.
type Trace = Rc<RefCell<Vec<String>>>;

struct Witness {
    trace: Trace,
    board: Arc<Board>,
}

impl Witness {
    fn saw(&self, what: &str) {
        let board = self.board.latest();
        let posted = format!("{what}, board says {}", board.timer.at(BOOT).phase);
        self.trace.borrow_mut().push(posted);
    }
}

impl Strip for Witness {
    fn show(&mut self, frame: &[Rgb], _: Option<&Scene>) -> Result<(), StripError> {
        let green = frame[1] == Palette::CLASSIC.green;
        self.saw(if green { "show green" } else { "show ready" });
        Ok(())
    }

    fn leds_max(&self, _: Chip) -> usize {
        usize::MAX
    }
}

impl Keeper for Witness {
    fn keep(&mut self, timer: &Timer) -> io::Result<()> {
        self.saw(&format!("keep {}", timer.at(BOOT).phase));
        Ok(())
    }

    fn forget(&mut self) {}

    fn shown(&mut self, _: Moment, phase: Phase, _: &[Rgb]) {
        self.saw(&format!("shown {phase}"));
    }
}

#[test]
fn apply_keep_show_publish() {
    let (trace, board) = (Trace::default(), board(look(), Timer::new(plan("lightning"), 0)));
    let witness = || Witness { trace: Rc::clone(&trace), board: Arc::clone(&board) };
    let (mut strip, mut keeper) = (witness(), witness());
    let mut engine = Engine::new(&mut strip, &mut keeper, &board, BOOT);
    engine.step(None, BOOT);
    trace.borrow_mut().clear();

    let request = Request { action: Action::Command(START), generation: None, origin: Origin::Button, reply: None };
    engine.step(Some(Event::Request(request)), BOOT);
    let expected = ["keep green, board says ready", "show green, board says ready", "shown green, board says ready"];
    assert_eq!(*trace.borrow(), expected);
    assert_eq!(board.latest().timer.at(BOOT).phase, Phase::Green);
}

/// Whoever is answered finds the command on the board.
#[test]
fn publish_and_then_reply() {
    let mut house = House::new(look());
    let (send, waiting) = sync_channel(0);
    let board = Arc::clone(&house.board);
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
        house.model.apply(command, house.now);
        let reply = Some(waiting.recv().unwrap());
        let request = Request { action: Action::Command(command), generation: None, origin: Origin::Socket, reply };
        house.step(Some(Event::Request(request)));
    }
    asker.join().unwrap();
}

#[test]
fn nobody_needs_to_wait_for_the_answer() {
    let mut house = House::new(look());
    for command in [START, Command::Reset] {
        house.model.apply(command, house.now);
        let (reply, answer) = sync_channel(1);
        drop(answer);
        let reply = Some(reply);
        house.step(Some(Event::Request(Request {
            action: Action::Command(command),
            generation: None,
            origin: Origin::Socket,
            reply,
        })));
    }
    house.play("ready");
}
